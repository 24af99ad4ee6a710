"""Why something is no GS1 Digital Link, or no twin of one: each fault has a code and names the part at fault.

Values are quoted as they were decoded; positions count characters of the decoded value, from 1.
"""

from kit.refusals import Malformed


class DlSyntax(Malformed):
    code = "dl_syntax"
    says = "Not a Digital Link path: {why}."


class DlScheme(Malformed):
    code = "dl_scheme"
    says = "A Digital Link begins with https:// or http://, all lower or all upper case."


class DlHost(Malformed):
    code = "dl_host"
    says = "{host!r} is no host name."


class DlUriCharacter(Malformed):
    code = "dl_uri_character"
    says = "Character {position} of the address may not stand in a URI."


class DlPercentEncoding(Malformed):
    code = "dl_percent_encoding"
    says = "Broken percent-encoding in {part!r}."


class DlKeyMissing(Malformed):
    code = "dl_key_missing"
    says = "The path names no GTIN (AI 01)."


class DlNoKey(Malformed):
    code = "dl_no_key"
    says = "{part!r} stands where the path should name a GS1 key by its AI."


class DlKeyUnsupported(Malformed):
    code = "dl_key_unsupported"
    says = "The path names a thing by AI {ai}; items are named by AI 01."


class DlUnknownAi(Malformed):
    code = "dl_unknown_ai"
    says = "{ai!r} is no AI that may follow a GTIN in the path."


class DlNotQualifier(Malformed):
    code = "dl_not_qualifier"
    says = "{ai!r} is no AI that may follow AI {key} in the path."


class DlUnknownAttribute(Malformed):
    code = "dl_unknown_attribute"
    says = "{ai!r} is no AI. A parameter that is not GS1's may not be a number."


class DlNotAttribute(Malformed):
    code = "dl_not_attribute"
    says = "AI {ai} may not stand behind the question mark."


class DlBelongsInPath(Malformed):
    code = "dl_belongs_in_path"
    says = "AI {ai} qualifies AI {key} and belongs in the path."


class DlDuplicateAi(Malformed):
    code = "dl_duplicate_ai"
    says = "AI {ai} stands twice in the path."


class DlDuplicateAttribute(Malformed):
    code = "dl_duplicate_attribute"
    says = "AI {ai} is given twice."


class DlQualifierOrder(Malformed):
    code = "dl_qualifier_order"
    says = "AI {ai} must stand before AI {after}."


class DlQualifiersMixed(Malformed):
    code = "dl_qualifiers_mixed"
    says = "AI {ai} and AI {other} never qualify the same key."


class DlSerialMissing(Malformed):
    code = "dl_serial_missing"
    says = "The path names a product, not one item of it: AI 21 is missing."


class DlNeeds(Malformed):
    code = "dl_needs"
    says = "AI {ai} has no meaning without {needs}."


class DlExcludes(Malformed):
    code = "dl_excludes"
    says = "AI {ai} and AI {other} exclude each other."


class DlValueMissing(Malformed):
    code = "dl_value_missing"
    says = "AI {ai} has no value."


class DlValueTooShort(Malformed):
    code = "dl_value_too_short"
    says = "The value of AI {ai} has {length} characters; it needs {length_min}."


class DlValueTooLong(Malformed):
    code = "dl_value_too_long"
    says = "The value of AI {ai} has {length} characters; {length_max} is the most."


class DlCharacter(Malformed):
    code = "dl_character"
    says = "Character {position} of the value of AI {ai} is not allowed."


class DlCheckDigit(Malformed):
    code = "dl_check_digit"
    says = "The check digit of AI {ai} is wrong: expected {expected}, found {found}."


class DlCheckCharacters(Malformed):
    code = "dl_check_characters"
    says = "The check characters of AI {ai} are wrong: expected {expected}, found {found}."


class DlDate(Malformed):
    code = "dl_date"
    says = "{value!r} in AI {ai} is no date."


class DlContent(Malformed):
    code = "dl_content"
    says = "{value!r} in AI {ai} is not {wanted}."


class UrnSyntax(Malformed):
    code = "urn_syntax"
    says = "Not an EPC URN: {why}."


class UrnScheme(Malformed):
    code = "urn_scheme"
    says = "EPC URNs of the scheme {scheme!r} have no twin here."


class UrnPart(Malformed):
    code = "urn_part"
    says = "Part {part} of the URN is wrong: {why}."


class UrnNoTwin(Malformed):
    code = "urn_no_twin"
    says = "No EPC URN names what this address names: {why}."
