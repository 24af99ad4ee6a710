"""After a database was restored from a backup: what must be done at once, and what a person has to do then.

Promises: every brand issues from a new epoch from now on, in one transaction for each, so that no counter that was given since the backup is given
again; and it says, in the order of typing, how the rest comes back.
"""

from codegen import brands
from codegen.keys import keyring
from kit.db import transaction
from web.instance import Instance

REASON = "restored from a backup"
ADVICE = (
    "If keys were rotated after the backup was made, bring them back: onemark keys import FILE",
    "Enter orders that were placed since again, from their records: onemark codes reenter FILE",
    "Release them again where they were released: onemark codes activate ORDER_ID",
    "Until then their codes answer `inactive`, reason `no_range`. If that was a day of orders, tell consumer service.",
    "onemark rebuild state: the log in Valkey knows more than the restored database.",
)


def open_new_epochs(instance: Instance, *, actor: str) -> dict[str, int]:
    """The new epoch of each brand, by its short name."""
    with transaction(instance.engine, tenant_id=None) as session:
        entries = brands.directory(session)
    opened = {}
    for entry in entries:
        with instance.transaction(entry.tenant_id) as session:
            opened[entry.slug] = keyring.open_epoch(
                session,
                tenant_id=entry.tenant_id,
                kek=instance.settings.kek_bytes,
                now=instance.clock.now(),
                actor=actor,
                reason=REASON,
            )
    return opened
