"""What an order's codes can prove beyond being ours: a public signature in the address, a PIN under the scratch-off layer.

Promises: a PIN belongs to what a consumer holds in the hand; cases, pallets and canaries of the same order have none. Pure.
"""

from dataclasses import asdict, dataclass

from codegen.kinds import Kind

_IN_THE_HAND = frozenset({Kind.ITEM_OUTER, Kind.ITEM_INNER, Kind.SPARE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """`signed`: anybody can check without us that the brand issued the address. `pin`: only who holds the item can know the PIN."""

    signed: bool = False
    pin: bool = False

    def columns(self) -> dict[str, bool]:
        return asdict(self)

    def asks_pin(self, kind: Kind) -> bool:
        return self.pin and kind in _IN_THE_HAND


NO_PROOFS = Proofs()
