/** Sentences with names, numbers, times, dates and prices, made by rule: what no list of sentences has enough of. */

const digits = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
/** 1 to 99, as Chinese writes it in words. @param {number} n */
const inChinese = (n) => (n < 10 ? digits[n] : `${n < 20 ? '' : digits[Math.floor(n / 10)]}十${n % 10 ? digits[n % 10] : ''}`);
const small = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve', 'thirteen'];
const teens = ['fourteen', 'fifteen', 'sixteen', 'seventeen', 'eighteen', 'nineteen'];
const tens = ['', '', 'twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];
/** 1 to 99. @param {number} n */
const inEnglish = (n) => [...small, ...teens][n] ?? `${tens[Math.floor(n / 10)]}${n % 10 ? `-${small[n % 10]}` : ''}`;
const months = 'January February March April May June July August September October November December'.split(' ');
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const dayNames = [...'日一二三四五六'];
const names = {
  ...{ Anna: '安娜', Tom: '汤姆', Mary: '玛丽', John: '约翰', Peter: '彼得', Lisa: '丽莎', David: '大卫', Emma: '艾玛', Paul: '保罗' },
  ...{ Sarah: '莎拉', Michael: '迈克尔', James: '詹姆斯', Linda: '琳达', Alice: '爱丽丝', Robert: '罗伯特', Maria: '玛丽亚', Jack: '杰克' },
  ...{ Lucy: '露西', Kate: '凯特', Daniel: '丹尼尔', Jim: '吉姆', Mike: '迈克', Susan: '苏珊', Wang: '王', Li: '李' },
};
const countries = {
  ...{ Germany: '德国', France: '法国', Japan: '日本', China: '中国', Italy: '意大利', Spain: '西班牙', England: '英国', Canada: '加拿大' },
  ...{
    Australia: '澳大利亚',
    India: '印度',
    Brazil: '巴西',
    Russia: '俄罗斯',
    Korea: '韩国',
    Mexico: '墨西哥',
    'the United States': '美国',
  },
};
const cities = {
  ...{
    Beijing: '北京',
    Shanghai: '上海',
    London: '伦敦',
    Paris: '巴黎',
    'New York': '纽约',
    Berlin: '柏林',
    Tokyo: '东京',
    Boston: '波士顿',
  },
  ...{ Guangzhou: '广州', Shenzhen: '深圳', 'Hong Kong': '香港', Rome: '罗马', Moscow: '莫斯科', Sydney: '悉尼', Chicago: '芝加哥' },
};
const money = { dollars: '美元', euros: '欧元', yuan: '元', pounds: '英镑', yen: '日元' };
const things = {
  'This book': '这本书',
  'The ticket': '票',
  'This shirt': '这件衬衫',
  'The room': '房间',
  It: '这个',
  'The coffee': '咖啡',
  'This phone': '这部手机',
};

/** @typedef {{ below(n: number): number }} Draw */
/** @template T @param {Draw} r @param {readonly T[]} list */
const pick = (r, list) => /** @type {T} */ (list[r.below(list.length)]);
/** @param {Draw} r @param {Record<string, string>} table */
const entry = (r, table) => pick(r, Object.entries(table));

/** Each makes a pair. @type {readonly ((r: Draw) => [string, string])[]} */
const makers = [
  (r) =>
    ((n) =>
      /** @type {[string, string]} */ (
        r.below(2) ? [`I am ${n} years old.`, `我${n}岁。`] : [`I am ${inEnglish(n)} years old.`, `我${inChinese(n)}岁。`]
      ))(5 + r.below(80)),
  (r) => (([en, zh]) => /** @type {[string, string]} */ ([`My name is ${en}.`, `我叫${zh}。`]))(entry(r, names)),
  (r) => (([en, zh]) => /** @type {[string, string]} */ ([`I am from ${en}.`, `我来自${zh}。`]))(entry(r, countries)),
  (r) => (([en, zh]) => /** @type {[string, string]} */ ([`I live in ${en}.`, `我住在${zh}。`]))(entry(r, cities)),
  (r) => (([en, zh]) => /** @type {[string, string]} */ ([`How do I get to ${en}?`, `去${zh}怎么走？`]))(entry(r, cities)),
  (r) => (([en, zh]) => /** @type {[string, string]} */ ([`One ticket to ${en}, please.`, `请给我一张去${zh}的票。`]))(entry(r, cities)),
  (r) =>
    (([en, zh], n) =>
      /** @type {[string, string]} */ ([
        `${small[n]?.replace(/^./, (c) => c.toUpperCase())} tickets to ${en}, please.`,
        `请给我${n === 2 ? '两' : inChinese(n)}张去${zh}的票。`,
      ]))(entry(r, cities), 2 + r.below(6)),
  (r) =>
    (([en, zh], [thing, ding], n) =>
      /** @type {[string, string]} */ ([`${thing} costs ${n} ${en}.`, `${ding}${r.below(2) ? '要' : '的价格是'}${n}${zh}。`]))(
      entry(r, money),
      entry(r, things),
      2 + r.below(500),
    ),
  (r) =>
    ((h) => /** @type {[string, string]} */ ([`It is ${inEnglish(h)} o'clock.`, `现在${h === 2 ? '两' : inChinese(h)}点。`]))(
      1 + r.below(12),
    ),
  (r) =>
    ((h) => /** @type {[string, string]} */ ([`It is half past ${inEnglish(h)}.`, `现在${h === 2 ? '两' : inChinese(h)}点半。`]))(
      1 + r.below(12),
    ),
  (r) =>
    ((h) => /** @type {[string, string]} */ ([`It is a quarter past ${inEnglish(h)}.`, `现在${h === 2 ? '两' : inChinese(h)}点一刻。`]))(
      1 + r.below(12),
    ),
  (r) =>
    ((h, m) =>
      /** @type {[string, string]} */ ([`It is ${h}:${String(m).padStart(2, '0')}.`, `现在是${h}点${m < 10 ? '零' : ''}${m}分。`]))(
      1 + r.below(12),
      1 + r.below(59),
    ),
  (r) =>
    ((h, [what, was]) =>
      /** @type {[string, string]} */ ([
        `The ${what} starts at ${inEnglish(h)} o'clock.`,
        `${was}${h === 2 ? '两' : inChinese(h)}点开始。`,
      ]))(1 + r.below(12), entry(r, { meeting: '会议', movie: '电影', class: '课', concert: '音乐会', game: '比赛', party: '聚会' })),
  (r) => ((d) => /** @type {[string, string]} */ ([`Today is ${days[d]}.`, `今天是星期${dayNames[d]}。`]))(r.below(7)),
  (r) => ((d) => /** @type {[string, string]} */ ([`See you on ${days[d]}.`, `星期${dayNames[d]}见。`]))(r.below(7)),
  (r) =>
    ((m, d) => /** @type {[string, string]} */ ([`Today is ${months[m]} ${d}.`, `今天是${m + 1}月${d}日。`]))(r.below(12), 1 + r.below(28)),
  (r) =>
    ((m, d) => /** @type {[string, string]} */ ([`My birthday is ${months[m]} ${d}.`, `我的生日是${m + 1}月${d}日。`]))(
      r.below(12),
      1 + r.below(28),
    ),
  (r) => ((y) => /** @type {[string, string]} */ ([`I was born in ${y}.`, `我出生于${y}年。`]))(1930 + r.below(90)),
  (r) =>
    ((n, [what, was]) =>
      /** @type {[string, string]} */ ([`I have ${inEnglish(n)} ${what}.`, `我有${n === 2 ? '两' : inChinese(n)}${was}。`]))(
      2 + r.below(9),
      entry(r, {
        children: '个孩子',
        brothers: '个兄弟',
        sisters: '个姐妹',
        cats: '只猫',
        dogs: '只狗',
        friends: '个朋友',
        books: '本书',
        questions: '个问题',
        tickets: '张票',
      }),
    ),
  (r) =>
    ((n) => /** @type {[string, string]} */ ([`I will be there in ${inEnglish(n)} minutes.`, `我${inChinese(n)}分钟后到。`]))(
      3 + r.below(50),
    ),
  (r) => ((n) => /** @type {[string, string]} */ ([`My room number is ${n}.`, `我的房间号是${n}。`]))(100 + r.below(900)),
];

/** @param {number} count @param {Draw} r @returns {[string, string][]} */
export const numbered = (count, r) => Array.from({ length: count }, () => pick(r, makers)(r));
