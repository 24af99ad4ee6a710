"""Whether a page may offer to add the phone's place to a check.

The choice itself lies in the browser, for people who have not joined; a member who withdrew their consent to it is not asked again.
"""

from sqlalchemy.orm import Session

from crm import consents
from crm.consents import Purpose
from web.consumer.frame import SignedIn


def refused(session: Session, member: SignedIn | None) -> bool:
    """Has the signed-in member said no?"""
    if member is None:
        return False
    answer = consents.current(session, tenant_id=member.tenant_id, consumer_id=member.consumer_id).get(Purpose.LOCATION)
    return answer is not None and not answer.granted
