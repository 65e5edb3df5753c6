"""Files as people send them, and as they should not; made here, each as its bytes."""

import io
import zipfile
from collections.abc import Mapping

import pikepdf
from PIL import Image

OPENXML = "application/vnd.openxmlformats-officedocument"
OPENDOCUMENT = "application/vnd.oasis.opendocument"


def pdf(*, pages: int = 1, root: Mapping[str, object] | None = None, attachment: str | None = None) -> bytes:
    """A PDF. ``root`` goes into its catalogue, e.g. an ``/OpenAction``; ``attachment`` is an embedded file's name."""
    with pikepdf.new() as document:
        for _ in range(pages):
            document.add_blank_page()
        for key, value in (root or {}).items():
            document.Root[key] = value
        if attachment:
            document.attachments[attachment] = pikepdf.AttachedFileSpec(document, b"<cv/>", filename=attachment)
        return _saved(document)


def encrypted_pdf(*, owner_only: bool = False) -> bytes:
    """A PDF that asks for a password, or (``owner_only``) one that opens for all and forbids printing."""
    with pikepdf.new() as document:
        document.add_blank_page()
        user = "" if owner_only else "sesame"
        return _saved(document, encryption=pikepdf.Encryption(owner="master", user=user))


def pdf_with_javascript() -> bytes:
    """A PDF that runs a script when it is opened."""
    return pdf(root={"/OpenAction": pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert('Hei')")})


def _saved(document: pikepdf.Pdf, encryption: pikepdf.Encryption | bool = False) -> bytes:
    target = io.BytesIO()
    document.save(target, encryption=encryption)
    return target.getvalue()


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip of the parts, in their order."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            method = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return target.getvalue()


def docx(extra: Mapping[str, str | bytes] | None = None, *, main_type: str | None = None) -> bytes:
    """A document of Word. ``extra`` are further parts; ``main_type`` is what it says of its main part."""
    main = "word/document.xml"
    return zipped(
        {
            **_openxml_frame(main, main_type or f"{OPENXML}.wordprocessingml.document.main+xml"),
            main: '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
            "<w:p><w:r><w:t>Hei</w:t></w:r></w:p></w:body></w:document>",
            **(extra or {}),
        }
    )


def xlsx(extra: Mapping[str, str | bytes] | None = None) -> bytes:
    """A workbook of Excel with one empty sheet."""
    main = "xl/workbook.xml"
    namespace = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relations = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    return zipped(
        {
            **_openxml_frame(main, f"{OPENXML}.spreadsheetml.sheet.main+xml"),
            main: f'<workbook {namespace} {relations}><sheets><sheet name="1" sheetId="1" r:id="r1"/></sheets>'
            "</workbook>",
            "xl/_rels/workbook.xml.rels": _relation("worksheet", "worksheets/sheet1.xml"),
            "xl/worksheets/sheet1.xml": f"<worksheet {namespace}><sheetData/></worksheet>",
            **(extra or {}),
        }
    )


def _openxml_frame(main: str, main_type: str) -> dict[str, str]:
    return {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/{main}" ContentType="{main_type}"/></Types>',
        "_rels/.rels": _relation("officeDocument", main),
    }


def _relation(kind: str, target: str) -> str:
    return (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
        f'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}"/>'
        "</Relationships>"
    )


def odt(extra: Mapping[str, str | bytes] | None = None, *, manifest: str = "") -> bytes:
    """A document of Writer. ``manifest`` is added to its manifest."""
    return _opendocument("text", "<text:p>Hei</text:p>", extra, manifest)


def ods(extra: Mapping[str, str | bytes] | None = None) -> bytes:
    """A workbook of Calc."""
    return _opendocument("spreadsheet", '<table:table table:name="1"/>', extra, "")


def _opendocument(kind: str, body: str, extra: Mapping[str, str | bytes] | None, manifest: str) -> bytes:
    namespaces = " ".join(
        f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"' for prefix in ("office", "text", "table")
    )
    mime = f"{OPENDOCUMENT}.{kind}"
    return zipped(
        {
            "mimetype": mime,
            "content.xml": f'<office:document-content {namespaces} office:version="1.3"><office:body>'
            f"<office:{kind}>{body}</office:{kind}></office:body></office:document-content>",
            "META-INF/manifest.xml": "<manifest:manifest "
            'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{mime}"/>{manifest}</manifest:manifest>',
            **(extra or {}),
        }
    )


def png(size: tuple[int, int] = (8, 6)) -> bytes:
    """A picture of one colour."""
    return _picture("PNG", size)


def jpg(size: tuple[int, int] = (8, 6)) -> bytes:
    """A photograph of one colour."""
    return _picture("JPEG", size)


def phone_jpg() -> bytes:
    """A photograph with a second picture inside, as telephones make them."""
    target = io.BytesIO()
    picture = Image.new("RGB", (64, 48), "navy")
    picture.save(target, "MPO", save_all=True, append_images=[picture])
    return target.getvalue()


def _picture(kind: str, size: tuple[int, int]) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, "navy").save(target, kind)
    return target.getvalue()


def txt() -> bytes:
    """A text in Finnish and Arabic."""
    return "Hei, maailma! Tervetuloa Etelä-Savoon.\nمرحبا\n".encode()


def zip_bomb_docx() -> bytes:
    """A document of 40 kB that unpacks to 40 MB."""
    return docx({"word/media/image1.bmp": bytes(40_000_000)})
