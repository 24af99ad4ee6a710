import pytest
from qrcode import constants

from codegen.symbology.symbol_limits import Level


@pytest.mark.parametrize("level", Level)
def test_levels_have_the_numbers_that_the_library_draws_by(level: Level) -> None:
    assert level.constant == getattr(constants, f"ERROR_CORRECT_{level.value}")
