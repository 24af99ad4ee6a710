"""The reader of QR codes out of ZBar, packed as a wheel of its own: a second opinion that needs no system library."""

import deqr
import numpy as np
import numpy.typing as npt

_READER = deqr.QRdecDecoder()


def second_reading(picture: npt.NDArray[np.uint8]) -> str | None:
    """The text of the one symbol in a picture, or None."""
    found = _READER.decode(picture.copy())  # it works in place
    if len(found) != 1:
        return None
    return "".join(str(entry.data) for entry in found[0].data_entries)
