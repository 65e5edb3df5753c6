"""CV files of invented people, built to the public schemas; made here, each as its bytes."""

import io
import json
import zlib
from typing import Any

import pikepdf

from portal.rules.profiles import Profile

CANDIDATE = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Candidate xmlns="http://www.europass.eu/1.0" xmlns:hr="http://www.hr-xml.org/3"
  xmlns:oa="http://www.openapplications.org/oagis/9" xmlns:eures="http://www.europass_eures.eu/1.0"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.europass.eu/1.0 Candidate.xsd">
  <hr:DocumentID schemeName="DocumentIdentifier" schemeAgencyName="EUROPASS" schemeVersionID="4.0"/>
  <CandidateSupplier>
    <hr:PartyName>Owner</hr:PartyName>
    <PersonContact>
      <PersonName><oa:GivenName>Another</oa:GivenName><hr:FamilyName>Person</hr:FamilyName></PersonName>
    </PersonContact>
  </CandidateSupplier>
  <CandidatePerson>
    <PersonName><oa:GivenName>Noor</oa:GivenName><hr:FamilyName>van Voorbeeld</hr:FamilyName></PersonName>
    <Communication>
      <UseCode>mobile</UseCode><ChannelCode>Telephone</ChannelCode><oa:DialNumber>5550100</oa:DialNumber>
    </Communication>
    <Communication>
      <UseCode>home</UseCode>
      <Address type="home">
        <oa:AddressLine>Secret Street 1</oa:AddressLine><oa:CityName>Utrecht</oa:CityName>
        <CountryCode>nl</CountryCode><oa:PostalCode>1234</oa:PostalCode>
      </Address>
    </Communication>
    <Communication><ChannelCode>Email</ChannelCode><oa:URI>noor@example.org</oa:URI></Communication>
    <NationalityCode>be</NationalityCode>
    <hr:BirthDate>1999-09-09</hr:BirthDate>
    <GenderCode>female</GenderCode>
    <PrimaryLanguageCode name="NORMAL">dut</PrimaryLanguageCode>
  </CandidatePerson>
  <CandidateProfile languageCode="en">
    <EducationHistory>
      <EducationOrganizationAttendance>
        <hr:OrganizationName>College of Samples</hr:OrganizationName>
        <EducationLevelCode>6</EducationLevelCode>
        <AttendancePeriod>
          <StartDate><hr:FormattedDateTime>2017-09</hr:FormattedDateTime></StartDate>
          <EndDate><hr:FormattedDateTime>2020-06-30</hr:FormattedDateTime></EndDate>
          <Ongoing>false</Ongoing>
        </AttendancePeriod>
        <EducationDegree><hr:DegreeName>Bachelor of Geography</hr:DegreeName></EducationDegree>
      </EducationOrganizationAttendance>
      <EducationOrganizationAttendance>
        <hr:OrganizationName>Example University &amp; Friends</hr:OrganizationName>
        <EducationLevelCode>7</EducationLevelCode>
        <AttendancePeriod>
          <StartDate><hr:FormattedDateTime>2021</hr:FormattedDateTime></StartDate>
          <Ongoing>true</Ongoing>
        </AttendancePeriod>
        <EducationDegree><hr:DegreeName>Environmental policy</hr:DegreeName></EducationDegree>
      </EducationOrganizationAttendance>
    </EducationHistory>
    <eures:Attachment>
      <oa:EmbeddedData>data:image/png;base64,AAAA</oa:EmbeddedData><oa:FileType>photo</oa:FileType>
    </eures:Attachment>
    <PersonQualifications>{languages}</PersonQualifications>
  </CandidateProfile>
</Candidate>
"""

FROM_CANDIDATE = Profile(
    name="Noor van Voorbeeld",
    email="noor@example.org",
    country="NL",
    institution="Example University & Friends",
    study_field="Environmental policy",
    study_level="master",
    study_stage="studying",
    languages=(("nl", "native"), ("en", "C1"), ("fi", "A2")),
)

PRIVATE = ("1999", "Secret Street", "5550100", "female", "AAAA", "Utrecht", '"BE"', "Male", "1940", "Geheim")
"""What stands in the samples and must be found nowhere afterwards."""

_DIMENSIONS = (
    "CEF-Understanding-Listening",
    "CEF-Understanding-Reading",
    "CEF-Speaking-Interaction",
    "CEF-Speaking-Production",
    "CEF-Writing-Production",
)


def candidate(*, encoding: str = "utf-8") -> bytes:
    """A CV of the present Europass editor."""
    skills = _competency("eng", "C1 C2 C1 C1 B2") + _competency("fin", "B1 B1 A2 A2 A1") + _competency("grc", "B2 " * 5)
    text = CANDIDATE.format(languages=skills)
    return text.replace('encoding="UTF-8"', f'encoding="{encoding}"').encode(encoding)


def _competency(code: str, levels: str) -> str:
    scores = "".join(
        f"<eures:CompetencyDimension><hr:CompetencyDimensionTypeCode>{dimension}</hr:CompetencyDimensionTypeCode>"
        f"<eures:Score><hr:ScoreText>{level}</hr:ScoreText></eures:Score></eures:CompetencyDimension>"
        for dimension, level in zip(_DIMENSIONS, levels.split(), strict=True)
    )
    return (
        f'<PersonCompetency><CompetencyID schemeName="NORMAL">{code}</CompetencyID>'
        f"<hr:TaxonomyID>language</hr:TaxonomyID>{scores}</PersonCompetency>"
    )


LEARNER = """<?xml version="1.0" encoding="UTF-8"?>
<SkillsPassport xmlns="http://europass.cedefop.europa.eu/Europass" locale="en">
  <DocumentInfo><DocumentType>ECV</DocumentType><XSDVersion>V3.3</XSDVersion></DocumentInfo>
  <LearnerInfo>
    <Identification>
      <PersonName><FirstName>Zoë</FirstName><Surname>Beispiel</Surname></PersonName>
      <ContactInfo>
        <Address><Contact>
          <AddressLine>Geheimgasse 1</AddressLine>
          <Country><Code>EL</Code><Label>Greece</Label></Country>
        </Contact></Address>
        <Email><Contact>zoe@example.org</Contact></Email>
      </ContactInfo>
      <Demographics>
        <Birthdate year="1940" month="--03" day="---10"/>
        <Gender><Code>M</Code><Label>Male</Label></Gender>
        <NationalityList><Nationality><Code>BE</Code></Nationality></NationalityList>
      </Demographics>
      <Photo><MimeType>image/jpeg</MimeType><Data>AAAA</Data></Photo>
    </Identification>
    <EducationList>
      <Education>
        <Period><From year="2010"/><To year="2014" month="--06" day="---01"/><Current>false</Current></Period>
        <Title>PhD in Forestry</Title>
        <Organisation><Name>Institute of Examples</Name></Organisation>
        <Field><Code>62</Code><Label>Forest science</Label></Field>
      </Education>
      <Education>
        <Period><From year="2005"/><To year="2009" month="--12"/></Period>
        <Title>Something earlier</Title>
        <Organisation><Name>Old School</Name></Organisation>
        <Level><Code>7</Code></Level>
      </Education>
    </EducationList>
    <Skills>
      <Linguistic>
        <MotherTongueList>
          <MotherTongue><Description><Code>de</Code><Label>German</Label></Description></MotherTongue>
          <MotherTongue><Description><Label>Elvish</Label></Description></MotherTongue>
        </MotherTongueList>
        <ForeignLanguageList>
          <ForeignLanguage>
            <Description><Code>en</Code><Label>English</Label></Description>
            <ProficiencyLevel>
              <Listening>C1</Listening><Reading>C2</Reading><SpokenInteraction>B2</SpokenInteraction>
              <SpokenProduction>B1</SpokenProduction><Writing>A2</Writing>
            </ProficiencyLevel>
          </ForeignLanguage>
          <ForeignLanguage>
            <Description><Label>Swedish</Label></Description>
            <ProficiencyLevel><Listening>A1</Listening></ProficiencyLevel>
          </ForeignLanguage>
        </ForeignLanguageList>
      </Linguistic>
    </Skills>
  </LearnerInfo>
</SkillsPassport>
"""

FROM_LEARNER = Profile(
    name="Zoë Beispiel",
    email="zoe@example.org",
    country="GR",
    institution="Institute of Examples",
    study_field="Forest science",
    study_level="doctoral",
    study_stage="graduated",
    languages=(("de", "native"), ("en", "B2"), ("sv", "A1")),
)


def learner() -> bytes:
    """A CV of the older Europass editor."""
    return LEARNER.encode()


FROM_RESUME = Profile(
    name="Ana Exemplo",
    email="ana@example.org",
    country="PT",
    institution="Universidade Exemplo",
    study_field="Regional planning",
    study_level="bachelor",
    study_stage="studying",
    languages=(("pt", "native"), ("en", "B2")),
)


def resume(**values: Any) -> bytes:
    """A CV as JSON Resume; ``values`` take the place of its parts."""
    return json.dumps(
        {
            "basics": {
                "name": "Ana Exemplo",
                "email": "ana@example.org",
                "phone": "5550100",
                "image": "https://example.org/AAAA.png",
                "location": {"address": "Secret Street 1", "countryCode": "PT", "city": "Utrecht"},
            },
            "education": [
                {"institution": "Escola", "area": "Arts", "studyType": "Course", "endDate": "2015-06-01"},
                {
                    "institution": "Universidade Exemplo",
                    "area": "Regional planning",
                    "studyType": "Bachelor of Science",
                    "startDate": "2024-09-01",
                },
            ],
            "languages": [
                {"language": "Portuguese", "fluency": "Native speaker"},
                {"language": "English", "fluency": "B2 (upper intermediate)"},
                {"language": "Spanish", "fluency": "Fluent"},
            ],
            **values,
        }
    ).encode()


def pdf(
    *contents: bytes, name: str = "attachment.xml", associated: bool = False, packed: bool = True, locked: bool = False
) -> bytes:
    """A PDF with these files inside, in the list of its attachments or (``associated``) only beside the document.

    ``locked``: it forbids printing, and so is encrypted, but opens without a password.
    """
    with pikepdf.new() as document:
        document.add_blank_page()
        listed: list[Any] = []
        for number, content in enumerate(contents):
            own_name = name if len(contents) == 1 else f"{number:05d}-{name}"
            stream = document.make_stream(zlib.compress(content) if packed else content)
            if packed:
                stream.Filter = pikepdf.Name.FlateDecode
            files = pikepdf.Dictionary(F=stream, UF=stream)
            specification = pikepdf.Dictionary(Type=pikepdf.Name.Filespec, F=own_name, UF=own_name, EF=files)
            listed.extend([] if associated else [pikepdf.String(own_name)])
            listed.append(document.make_indirect(specification))
        if associated:
            document.Root.AF = pikepdf.Array(listed)
        else:
            document.Root.Names = pikepdf.Dictionary(EmbeddedFiles=pikepdf.Dictionary(Names=pikepdf.Array(listed)))
        target = io.BytesIO()
        encryption: Any = pikepdf.Encryption(owner="master", user="") if locked else False
        document.save(target, compress_streams=False, encryption=encryption)
        return target.getvalue()


# ------------------------------------------------------------------------------------------------- hostile files


def laughing() -> bytes:
    """Entities that multiply to a thousand million."""
    levels = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))
    return with_doctype(f'[<!ENTITY e0 "ha">{levels}]', "&e9;")


def with_doctype(declaration: str, name: str = "Noor", *, encoding: str = "utf-8") -> bytes:
    """The present dialect with a document type of its own, and ``name`` as the given name."""
    head, _, rest = candidate().decode().partition("?>")
    text = f"{head}?><!DOCTYPE Candidate {declaration}>{rest}".replace("<oa:GivenName>Noor<", f"<oa:GivenName>{name}<")
    return text.replace('encoding="utf-8"', f'encoding="{encoding}"').encode(encoding)
