"""The addresses of an order's codes as they are printed: one place for lists, symbols, labels and pages.

    {head}{serial}              HTTPS://ID.EXAMPLE/01/09521234543213/21/0816MZTTBH7PFP77PTNS
    {head}{serial}?s={signature}   where the order is signed

Promises: `head` and the lengths are the same for all codes of an order, so that files and symbols have one form; the part before `?` is upper case.
Pure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from codegen import digital_link
from codegen.cipher import SERIAL_LENGTH
from codegen.gtin import Gtin
from codegen.kinds import Profile

SIGNATURE_LENGTH = 86  # 64 bytes in base64url without padding
SIGNATURE_KEY = "?s="

Texts = npt.NDArray[np.bytes_]
Signer = Callable[[bytes], bytes]  # the ASCII of an address before "?" -> the signature as it is printed


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """`signer` None: the order is not signed."""

    head: str
    signer: Signer | None = None

    @classmethod
    def of(cls, *, origin: str, gtin: Gtin, profile: Profile, signer: Signer | None = None) -> Self:
        return cls(head=digital_link.prefix(origin, gtin, profile), signer=signer)

    @property
    def length(self) -> int:
        """Characters of every address."""
        return self.plain_length + self.signature_length

    @property
    def plain_length(self) -> int:
        """Characters before the question mark, or all."""
        return len(self.head) + SERIAL_LENGTH

    @property
    def signature_length(self) -> int:
        """Characters from the question mark on, which need byte mode in a QR symbol."""
        return 0 if self.signer is None else len(SIGNATURE_KEY) + SIGNATURE_LENGTH

    def signatures(self, serials: Texts) -> Texts | None:
        """Those of the addresses of `serials`; None where the order is not signed."""
        if self.signer is None:
            return None
        head = self.head.encode()
        signed = [self.signer(head + serial) for serial in serials.tolist()]
        return np.array(signed, dtype=f"S{SIGNATURE_LENGTH}")

    def of_serial(self, serial: str) -> str:
        plain = self.head + serial
        if self.signer is None:
            return plain
        return f"{plain}{SIGNATURE_KEY}{self.signer(plain.encode()).decode('ascii')}"
