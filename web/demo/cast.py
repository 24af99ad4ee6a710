"""Who and what the demo is about: three products, their lots, six distributors. The same in every demo; only the sizes follow its options."""

from dataclasses import dataclass
from typing import Final

from codegen import gtin as gtins
from web.demo import places
from web.demo.places import City


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductCast:
    gtin: str
    name: str
    name_zh: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealer:
    """A distributor; `cities` are where its customers live, inside its territory."""

    distributor_id: str
    name: str
    divisions: tuple[str, ...]
    cities: tuple[City, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LotCast:
    """`share` of all codes in thousandths; `dealers` by their place in DEALERS: none for a lot that was not released.

    A lot of several dealers goes to all of them as a whole, or, with `by_serial`, item by item. `diverted`: this share of its items is
    sold in the territory of the dealer named by `diverted_to`.
    """

    name: str
    product: int
    share: int
    dealers: tuple[int, ...]
    by_serial: bool = False
    voided: int = 0
    diverted: float = 0.0
    diverted_to: int = 0


def _gtin(body: str) -> str:
    return body + gtins.check_digit(body)


PRODUCTS: Final = (
    ProductCast(
        gtin=_gtin("0952200000101"),
        name="Longjing Green Tea 250 g",
        name_zh="明前龙井茶 250 克",
        description="Spring leaves from the hills around West Lake, picked before Qingming.",
    ),
    ProductCast(
        gtin=_gtin("0952200000202"),
        name="Acacia Honey 500 g",
        name_zh="洋槐蜂蜜 500 克",
        description="One flower, one harvest, nothing added.",
    ),
    ProductCast(
        gtin=_gtin("0952200000303"),
        name="Camellia Oil 1 l",
        name_zh="山茶油 1 升",
        description="Cold-pressed from wild camellia seeds.",
    ),
)
DEALERS: Final = (
    Dealer(
        distributor_id="D101",
        name="沪苏优品商贸",
        divisions=("310000", "320500"),
        cities=(places.SHANGHAI, places.SUZHOU),
    ),
    Dealer(
        distributor_id="D102",
        name="浙江清源茶业",
        divisions=("330000",),
        cities=(places.HANGZHOU, places.NINGBO, places.WENZHOU),
    ),
    Dealer(
        distributor_id="D103",
        name="京津冀鼎盛商贸",
        divisions=("110000", "120000", "130000"),
        cities=(places.BEIJING, places.TIANJIN, places.SHIJIAZHUANG),
    ),
    Dealer(
        distributor_id="D104",
        name="南粤佳味食品",
        divisions=("440100", "440300", "440600"),
        cities=(places.GUANGZHOU, places.SHENZHEN, places.FOSHAN),
    ),
    Dealer(
        distributor_id="D105",
        name="川渝食汇",
        divisions=("500000", "510000"),
        cities=(places.CHENGDU, places.CHONGQING),
    ),
    Dealer(
        distributor_id="D106",
        name="两湖山货行",
        divisions=("420000", "430000"),
        cities=(places.WUHAN, places.CHANGSHA),
    ),
)
LOTS: Final = (
    LotCast(name="LJ-A01", product=0, share=150, dealers=(0,)),
    LotCast(name="HN-B01", product=1, share=110, dealers=(2,)),
    LotCast(name="LJ-A02", product=0, share=120, dealers=(1,), voided=12),
    LotCast(name="CO-C01", product=2, share=100, dealers=(3,)),
    LotCast(name="HN-B02", product=1, share=100, dealers=(4,), diverted=0.22, diverted_to=3),
    LotCast(name="LJ-A03", product=0, share=90, dealers=(2, 5)),
    LotCast(name="CO-C02", product=2, share=50, dealers=(0, 5), by_serial=True),
    LotCast(name="LJ-A04", product=0, share=60, dealers=(4,)),
    LotCast(name="CO-C03", product=2, share=60, dealers=(5,)),
    LotCast(name="HN-B03", product=1, share=50, dealers=(1,)),
    LotCast(name="LJ-A05", product=0, share=50, dealers=(3,)),
    LotCast(name="HN-B04", product=1, share=60, dealers=()),
)
# The lot of the code that was copied, and of those that counterfeiters imitate.
COPIED_LOT: Final = 0
IMITATED_LOTS: Final = (0, 1)

assert sum(lot.share for lot in LOTS) == 1000  # noqa: PLR2004, S101 - thousandths
