namespace Atelier.Data.Worlds;

/// <summary>What a noun names; a verb takes some kinds as objects, and an adjective describes some kinds.</summary>
[Flags]
internal enum NounKind
{
    None = 0,
    Person = 1,
    Animal = 2,
    Food = 4,
    Document = 8,
    Machine = 16,
    Clothing = 32,
    Accessory = 64,
    Ware = 128,
}

/// <summary>A noun: its English forms, its Chinese word and the measure word that counts it.</summary>
internal sealed record Noun(string Singular, string Plural, string Chinese, string Measure, NounKind Kind);

/// <summary>A verb: its English forms, its Chinese word, its objects, and what it can be used for.</summary>
/// <param name="Base">The base form, such as "eat".</param>
/// <param name="Third">The third person singular.</param>
/// <param name="Past">The past tense.</param>
/// <param name="Gerund">The present participle.</param>
/// <param name="Chinese">The Chinese verb.</param>
/// <param name="Objects">The kinds of its objects; none for an intransitive verb.</param>
/// <param name="IsState">Whether it is used in the present tense only, such as "like".</param>
/// <param name="IsAction">Whether it takes time, so that it has a progressive form and can be done slowly.</param>
/// <param name="ByAnimals">Whether animals do it.</param>
internal sealed record Verb(string Base, string Third, string Past, string Gerund, string Chinese, NounKind Objects,
    bool IsState, bool IsAction, bool ByAnimals);

/// <summary>An adjective: its English forms, its Chinese word and the kinds that it describes.</summary>
internal sealed record Adjective(string English, string Comparative, string Chinese, NounKind Kinds);

/// <summary>A personal pronoun.</summary>
internal sealed record Pronoun(string Subject, string Object, string Possessive, string Chinese);

/// <summary>A word or a fixed phrase that is translated as it stands.</summary>
internal sealed record Word(string English, string Chinese);

/// <summary>The words of the pair worlds.</summary>
internal static class PairLexicon
{
    private const string Kinds = "pafdmcxw"; // one letter a kind, in the order of NounKind

    public static IReadOnlyList<Noun> Nouns { get; } = [.. Rows("""
        boy boys 男孩 个 p | girl girls 女孩 个 p | child children 孩子 个 p | teacher teachers 老师 位 p
        | doctor doctors 医生 位 p | farmer farmers 农民 个 p | student students 学生 个 p | artist artists 艺术家 位 p
        | cat cats 猫 只 a | dog dogs 狗 条 a | bird birds 鸟 只 a | horse horses 马 匹 a | cow cows 牛 头 a
        | sheep sheep 羊 只 a | goose geese 鹅 只 a | fish fish 鱼 条 a | apple apples 苹果 个 f | egg eggs 鸡蛋 个 f
        | banana bananas 香蕉 根 f | orange oranges 橙子 个 f | cake cakes 蛋糕 块 f | tomato tomatoes 西红柿 个 f
        | book books 书 本 d | letter letters 信 封 d | newspaper newspapers 报纸 份 d | car cars 汽车 辆 m
        | bicycle bicycles 自行车 辆 m | phone phones 手机 部 m | boat boats 船 条 m | shirt shirts 衬衫 件 c
        | coat coats 大衣 件 c | skirt skirts 裙子 条 c | hat hats 帽子 顶 x | scarf scarves 围巾 条 x
        | table tables 桌子 张 w | chair chairs 椅子 把 w | lamp lamps 灯 盏 w | knife knives 刀 把 w | key keys 钥匙 把 w
        | cup cups 杯子 个 w | umbrella umbrellas 雨伞 把 w | picture pictures 画 幅 w
        """).Select(w => new Noun(w[0], w[1], w[2], w[3], KindsOf(w[4])))];

    /// <summary>A plus sign marks actions, an equals sign states, an ampersand what animals do too.</summary>
    public static IReadOnlyList<Verb> Verbs { get; } = [.. Rows("""
        see sees saw seeing 看见 pafdmcxw & | find finds found finding 找到 pafdmcxw &
        | like likes liked liking 喜欢 pafdmcxw =& | look_for looks_for looked_for looking_for 找 pafdmcxw +&
        | draw draws drew drawing 画 pafdmcxw + | buy buys bought buying 买 afdmcxw +
        | sell sells sold selling 卖 afdmcxw + | help helps helped helping 帮助 p +
        | wait_for waits_for waited_for waiting_for 等 p + | meet meets met meeting 遇见 p
        | know knows knew knowing 认识 p = | feed feeds fed feeding 喂 a + | chase chases chased chasing 追 a +&
        | eat eats ate eating 吃 f +& | wash washes washed washing 洗 fcm + | write writes wrote writing 写 d +
        | repair repairs repaired repairing 修理 m + | wear wears wore wearing 穿 c | wear wears wore wearing 戴 x
        | carry carries carried carrying 搬 w + | lose loses lost losing 弄丢 adxw
        | sleep sleeps slept sleeping 睡觉 - & | swim swims swam swimming 游泳 - +&
        | sing sings sang singing 唱歌 - + | work works worked working 工作 - +
        | laugh laughs laughed laughing 笑 - +
        """).Select(w => Verb(w, KindsOf(w[5]), w.Length > 6 ? w[6] : ""))];

    /// <summary>Verbs of giving, whose Chinese word comes before the person who receives the object.</summary>
    public static IReadOnlyList<Verb> Givings { get; } = [.. Rows("""
        give gives gave giving 送给 afdmcxw + | lend lends lent lending 借给 dmcxw +
        """).Select(w => Verb(w, KindsOf(w[5]), w[6]))];

    /// <summary>"old" is one word for animals and another for things.</summary>
    public static IReadOnlyList<Adjective> Adjectives { get; } = [.. Rows("""
        young younger 年轻 p | clever cleverer 聪明 pa | kind kinder 善良 p | fat fatter 胖 a | old older 老 a
        | old older 旧 dmcxw | new newer 新 dmcxw | big bigger 大 afmcw | small smaller 小 afmcw
        | expensive more_expensive 昂贵 fdmcxw | beautiful more_beautiful 漂亮 amcxw
        """).Select(w => new Adjective(w[0], w[1], w[2], KindsOf(w[3])))];

    public static IReadOnlyList<Adjective> Colours { get; } = [.. Rows("""
        black - 黑 amcxw | white - 白 amcxw | red - 红 mcxw | green - 绿 mcxw
        """).Select(w => new Adjective(w[0], w[1], w[2], KindsOf(w[3])))];

    public static IReadOnlyList<Pronoun> Pronouns { get; } = [.. Rows("""
        I me my 我 | you you your 你 | he him his 他 | she her her 她 | we us our 我们 | they them their 他们
        """).Select(w => new Pronoun(w[0], w[1], w[2], w[3]))];

    public static IReadOnlyList<Word> Names { get; } = Words("""
        Tom 汤姆 | Mary 玛丽 | Anna 安娜 | Peter 彼得
        """);

    public static IReadOnlyList<Word> Numbers { get; } = Words("""
        two 两 | three 三 | four 四 | five 五 | six 六 | seven 七
        """);

    public static IReadOnlyList<Word> Places { get; } = Words("""
        garden 花园 | park 公园 | kitchen 厨房 | school 学校 | shop 商店 | station 车站
        """);

    public static IReadOnlyList<Word> Sides { get; } = Words("in 里 | behind 后面 | in_front_of 前面");

    public static IReadOnlyList<Word> FixedPlaces { get; } = Words("""
        on_the_hill 山上 | under_the_tree 树下 | by_the_river 河边 | at_home 家里
        """);

    public static IReadOnlyList<Word> Manners { get; } = Words("""
        slowly 慢慢地 | quickly 很快地 | carefully 小心地
        """);

    public static IReadOnlyList<Word> PastTimes { get; } =
        Words("yesterday 昨天 | last_week 上个星期 | this_morning 今天早上");

    public static IReadOnlyList<Word> FutureTimes { get; } =
        Words("tomorrow 明天 | next_week 下个星期 | tonight 今天晚上");

    public static IReadOnlyList<Word> Frequencies { get; } =
        Words("every_day 每天 | every_week 每个星期 | every_morning 每天早上");

    private static Verb Verb(string[] words, NounKind objects, string marks) =>
        new(words[0], words[1], words[2], words[3], words[4], objects, marks.Contains('=', StringComparison.Ordinal),
            marks.Contains('+', StringComparison.Ordinal), marks.Contains('&', StringComparison.Ordinal));

    private static NounKind KindsOf(string letters) =>
        letters.Where(letter => letter != '-').Aggregate(NounKind.None,
            (kinds, letter) => kinds | (NounKind)(1 << Kinds.IndexOf(letter, StringComparison.Ordinal)));

    private static IReadOnlyList<Word> Words(string table) => [.. Rows(table).Select(w => new Word(w[0], w[1]))];

    /// <summary>Splits a table of words; an underscore is a space within an entry.</summary>
    private static IEnumerable<string[]> Rows(string table) =>
        table.ReplaceLineEndings(" ").Split('|').Select(row =>
            row.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(w => w.Replace('_', ' ')).ToArray());
}
