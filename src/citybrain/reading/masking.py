"""Takes out of a text what tells who spoke: numbers, names, doors; what is left may be shown."""

import re

SUMMARY_LENGTH = 60

SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕施张孔曹严华金魏陶姜谢邹喻柏水窦章云苏潘葛范彭郎鲁韦马苗"
    "凤方俞任袁柳鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于傅齐康伍余元顾孟平黄和穆萧尹姚邵湛汪祁毛狄米"
    "明戴宋庞熊纪舒屈项祝董梁杜阮蓝席季贾江童颜郭梅林钟徐邱骆高夏蔡田樊胡凌霍万柯卢莫房丁邓单洪包石崔龚"
    "程邢裴陆荣翁荀甄封靳邴松井段富巫焦巴牧谷车侯全班仰秋仲伊宫宁仇栾甘厉戎祖武符刘景詹束龙叶司白怀蒲索"
    "赖卓屠蒙池乔闻党翟谭申冉雍桑桂牛寿边燕冀温庄晏柴瞿阎连习容向古易慎戈廖终居衡步都耿满弘匡国文寇广阙"
    "东沃利越隆师巩聂晁勾敖融冷訾辛阚那简饶曾关查荆游竺权盖益桓公尉闫代解付肖樵尚"
)
_NAME = rf"[{SURNAMES}][\u4e00-\u9fff]{{0,2}}?"
_TITLES = "先生|女士|小姐|大爷|大娘|大妈|大叔|阿姨|师傅|老师|同志|老汉|老太|大哥|大姐"
_ENDS = r"(?=[，,。；;、：:！!？?\s（(*]|$|的|电话|手机|联系|身份证|住|家住|在|反映|来电)"

# In this order: what is longest and surest first.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII), "[邮箱]"),
    (re.compile(r"(?<![0-9])[0-9]{17}[0-9Xx](?![0-9])|(?<![0-9])[0-9]{15}(?![0-9])"), "[证件号]"),
    (re.compile(r"(?<![0-9])(?:\+?86[- ]?)?1[0-9]{2}[- ]?[0-9]{4}[- ]?[0-9]{4}(?![0-9])"), "[电话]"),
    (re.compile(r"(?<![0-9])0[0-9]{2,3}[- ]?[0-9]{7,8}(?![0-9])"), "[电话]"),
    (re.compile(r"[皖豫苏鲁鄂浙沪京][A-Z][·・ ]?[A-Z0-9]{5,6}"), "[车牌]"),
    (re.compile(r"[0-9]{5,}"), "[号码]"),
    (
        re.compile(
            r"[0-9一二三四五六七八九十]+(?:栋|幢|号楼|座)(?:[0-9一二三四五六七八九十]+单元)?(?:[0-9]{1,4}(?:室|户)?)?"
            r"|[0-9一二三四五六七八九十]+单元(?:[0-9]{1,4}(?:室|户)?)?|[0-9]{3,4}室"
        ),
        "[门牌]",
    ),
    (
        re.compile(
            rf"((?:我叫|我是|名叫|本人|姓名[：:]?|来电人|联系人[：:]?|业主)){_NAME}(?:{_TITLES}){_ENDS}"
        ),
        r"\1[姓名]",
    ),
    (re.compile(rf"((?:我叫|名叫|本人|姓名[：:]?|联系人[：:]?)){_NAME}{_ENDS}"), r"\1[姓名]"),
    (re.compile(rf"[{SURNAMES}][\u4e00-\u9fff]{{0,2}}?(?:{_TITLES})"), "[姓名]"),
    (re.compile(rf"((?:我|俺|免贵)?姓)[{SURNAMES}](?![\u4e00-\u9fff]*名)"), r"\1[姓]"),
)
_DIGITS = str.maketrans("０１２３４５６７８９", "0123456789")


def mask(text: str) -> str:
    """`text` with numbers of telephones and papers, plates, doors, names and addresses of mail taken out."""
    masked = text.translate(_DIGITS)
    for pattern, put in _PATTERNS:
        masked = pattern.sub(put, masked)
    return masked


def summary(text: str) -> str:
    """The masked text in at most SUMMARY_LENGTH characters; never a part of a mask."""
    masked = " ".join(mask(text).split())
    if len(masked) <= SUMMARY_LENGTH:
        return masked
    cut = masked[: SUMMARY_LENGTH - 1]
    opened = cut.rfind("[")
    if opened > cut.rfind("]"):
        cut = cut[:opened]
    return cut + "…"
