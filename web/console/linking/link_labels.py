"""Names that pages give to link types, media types and roles of links."""

from collections.abc import Mapping

from codegen.resolver_links import link_types
from codegen.resolver_links.link_table import Role
from web.console.routes import blueprint
from web.wording import lazy

# Those that most brands begin with come first in lists.
USUAL = (
    "pip",
    "instructions",
    "recipeInfo",
    "certificationInfo",
    "traceability",
    "support",
    "registerProduct",
    "promotion",
    "recallStatus",
)
TYPES = {
    "activityIdeas": lazy("Ideas what to do with it"),
    "allergenInfo": lazy("Allergens"),
    "brandHomepageClinical": lazy("Brand page for clinicians"),
    "brandHomepagePatient": lazy("Brand page for patients"),
    "careersInfo": lazy("Careers"),
    "certificationInfo": lazy("Certificates"),
    "consumerHandlingStorageInfo": lazy("Handling and storage"),
    "disassemblyInfo": lazy("Taking it apart"),
    "epcis": lazy("EPCIS repository (for programs)"),
    "epil": lazy("Patient leaflet"),
    "eventsInfo": lazy("Events"),
    "faqs": lazy("Questions and answers"),
    "handlingEndOfLife": lazy("When it has served its time"),
    "hasRetailers": lazy("Where to buy"),
    "homepage": lazy("The company's home page"),
    "ingredientsInfo": lazy("Ingredients"),
    "instructions": lazy("Instructions"),
    "jws": lazy("Signature in JSON (for programs)"),
    "leaveReview": lazy("Write a review"),
    "locationInfo": lazy("About a place"),
    "logisticsInfo": lazy("Logistics"),
    "masterData": lazy("Master data (for programs)"),
    "menuInfo": lazy("Menu"),
    "nutritionalInfo": lazy("Nutrition"),
    "openingHoursInfo": lazy("Opening hours"),
    "paymentLink": lazy("Pay"),
    "pip": lazy("Product information"),
    "productPassport": lazy("Product passport"),
    "promotion": lazy("Promotion"),
    "purchaseSuppliesOrAccessories": lazy("Supplies and accessories"),
    "quickStartGuide": lazy("Quick start"),
    "recallStatus": lazy("Recall notice"),
    "recipeInfo": lazy("Recipes"),
    "recyclingInfo": lazy("Recycling"),
    "registerProduct": lazy("Register the purchase"),
    "registryEntry": lazy("Entry in a register"),
    "relatedVideo": lazy("Video"),
    "repairInfo": lazy("Repair"),
    "reuseInfo": lazy("Using it again"),
    "review": lazy("Reviews"),
    "safetyInfo": lazy("Safety"),
    "scheduleTime": lazy("Make an appointment"),
    "serviceInfo": lazy("Service"),
    "smartLabel": lazy("SmartLabel"),
    "smpc": lazy("Summary of product characteristics"),
    "socialMedia": lazy("Social media"),
    "sorting": lazy("Sorting waste"),
    "statisticInfo": lazy("Statistics"),
    "support": lazy("Support"),
    "sustainabilityInfo": lazy("Sustainability"),
    "traceability": lazy("Where it comes from"),
    "tutorial": lazy("Tutorial"),
    "userAgreement": lazy("Terms to agree to"),
    "whatsInTheBox": lazy("What is in the box"),
}
MEDIA_TYPES = {
    "text/html": lazy("Web page"),
    "application/pdf": lazy("PDF"),
    "image/jpeg": lazy("Picture"),
    "video/mp4": lazy("Film"),
    "application/json": lazy("JSON (for programs)"),
    "application/ld+json": lazy("JSON-LD (for programs)"),
    "": lazy("Not said"),
}
ROLES = {
    Role.PLAIN: lazy("Only when its type is asked for"),
    Role.DEFAULT: lazy("The default: also when nothing is asked for. There is one for each level"),
    Role.MULTI: lazy("Instead of the default, for phones whose language, media type or context it fits"),
}


def type_name(link_type: str, vocabularies: Mapping[str, str]) -> str:
    """The name of a type, or how it is written where it is a brand's own."""
    name = link_type.removeprefix(link_types.GS1_VOCABULARY)
    return str(TYPES[name]) if name in TYPES else link_types.short(link_type, vocabularies)


@blueprint.context_processor
def _names() -> dict[str, object]:
    return {"link_type_name": type_name, "link_roles": Role}
