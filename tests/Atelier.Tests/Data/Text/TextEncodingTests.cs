using System.Text;
using Atelier.Data.Text.Reading;
using Atelier.Recipes;

namespace Atelier.Tests.Data.Text;

/// <summary>
/// The encodings of people's files, each made by .NET's own encoders, and told from the others by the text they hold.
/// </summary>
public sealed class TextEncodingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ReadingReport _report = new();

    public void Dispose() => _folder.Dispose();

    // Sentences of several kinds: news, stories, talk, lists; long and short.
    private static readonly Dictionary<string, (string Encoding, int CodePage, string[] Texts)> Languages = new()
    {
        ["simplified Chinese"] = ("GB18030", 936,
        [
            "天下大势，分久必合，合久必分。周末七国分争，并入于秦。",
            "今天天气很好，我们一起去公园散步吧。孩子们在草地上跑来跑去。",
            "人工智能正在改变世界，越来越多的公司开始使用机器学习技术。",
            "北京市发布通知：明天上午九点至下午五点停水，请居民提前做好准备。",
            "编号,姓名,城市\n1,王小明,上海\n2,李芳,广州\n",
            "你好，世界",
            "红楼梦：第一回",
            "第一章",
        ]),
        ["traditional Chinese"] = ("Big5", 950,
        [
            "天下大勢，分久必合，合久必分。周末七國分爭，併入於秦。",
            "今天天氣很好，我們一起去公園散步吧。孩子們在草地上跑來跑去。",
            "臺灣的夜市有許多好吃的東西，每到週末總是擠滿了人。",
            "電腦與網路已經成為生活的一部分，學生在課堂上使用平板。",
            "編號,姓名,城市\n1,陳怡君,臺北\n2,林志明,高雄\n",
            "你好，世界",
            "這是什麼",
        ]),
        ["Japanese in Shift-JIS"] = ("Shift-JIS", 932,
        [
            "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
            "国境の長いトンネルを抜けると雪国であった。夜の底が白くなった。",
            "東京都では明日の午後から雨が降る見込みです。傘をお持ちください。",
            "コンピュータとインターネットの歴史について調べました。",
            "番号,名前,都市\n1,田中花子,大阪\n2,鈴木一郎,名古屋\n",
            "こんにちは、世界",
            "ありがとう",
            "カタカナ",
        ]),
        ["Japanese in EUC-JP"] = ("EUC-JP", 51932,
        [
            "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
            "国境の長いトンネルを抜けると雪国であった。夜の底が白くなった。",
            "東京都では明日の午後から雨が降る見込みです。傘をお持ちください。",
            "番号,名前,都市\n1,田中花子,大阪\n2,鈴木一郎,名古屋\n",
            "こんにちは、世界",
            "ありがとう",
        ]),
        ["Korean"] = ("EUC-KR", 949,
        [
            "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
            "오늘은 날씨가 좋아서 친구와 함께 공원에 갔습니다.",
            "서울특별시는 내일 오후부터 비가 내릴 것으로 보인다고 밝혔다.",
            "번호,이름,도시\n1,김민수,부산\n2,이영희,대구\n",
            "안녕하세요",
            "한국어",
        ]),
        ["French"] = ("windows-1252", 1252,
        [
            "Dès Noël, où un zéphyr haï me vêt de glaçons würmiens, je dîne d’exquis rôtis de bœuf.",
            "Être ou ne pas être, voilà la question. Les élèves étaient déjà arrivés à l’école.",
            "café\n",
            "nom;prénom;âge\nMartin;Zoé;31\n",
        ]),
        ["German"] = ("windows-1252", 1252,
        [
            "Falsches Üben von Xylophonmusik quält jeden größeren Zwerg. Die Straße war naß.",
            "Größe",
            "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich",
        ]),
        ["Spanish"] = ("windows-1252", 1252,
            ["El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia; ¿dónde está el niño? ¡Mañana!",
            "año,niños\n"]),
        ["Swedish"] = ("windows-1252", 1252,
            ["Flygande bäckasiner söka hwila på mjuka tuvor. Hon åkte till Malmö.", "Smörgåsbord"]),
        ["English with typographic signs"] =
            ("windows-1252", 1252, ["“It was the best of times,” he said – and didn’t smile.", "25 °C ± 3 µm, 10 £"]),
        ["Polish"] = ("windows-1250", 1250,
            ["Zażółć gęślą jaźń. Pchnąć w tę łódź jeża lub ośm skrzyń fig.",
            "Łódź jest dużym miastem w środkowej Polsce, które się rozwija."]),
        ["Czech"] = ("windows-1250", 1250,
            ["Příliš žluťoučký kůň úpěl ďábelské ódy. Dnes je hezké počasí, řekl jsem mu včera večer."]),
        ["Russian in windows-1251"] = ("windows-1251", 1251,
        [
            "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.",
            "Съешь же ещё этих мягких французских булок, да выпей чаю.",
            "Привет, мир",
        ]),
        ["Russian in KOI8-R"] = ("KOI8-R", 20866,
        [
            "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.",
            "Привет, мир",
        ]),
        ["Greek"] = ("windows-1253", 1253,
            ["Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα."]),
        ["Turkish"] = ("windows-1254", 1254,
            ["Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Çocuklar şarkı söylüyor, güneş ışığı."]),
    };

    public static TheoryData<string, int> Texts()
    {
        var data = new TheoryData<string, int>();
        foreach ((string language, (_, _, string[] texts)) in Languages)
            for (int i = 0; i < texts.Length; i++)
                data.Add(language, i);
        return data;
    }

    [Theory]
    [MemberData(nameof(Texts))]
    public void Given_text_of_a_language_then_its_encoding_is_found_and_it_is_read_as_it_was(string language,
        int number)
    {
        (string name, int codePage, string[] texts) = Languages[language];
        string path = _folder.Write("a.txt", Encoded(texts[number], codePage));
        Read(path).ShouldBe(texts[number]);
        _report.Encodings["a.txt"].ShouldBe(name);
    }

    [Theory]
    [MemberData(nameof(Texts))]
    public void A_named_encoding_goes_before_what_the_bytes_look_like(string language, int number)
    {
        (string name, int codePage, string[] texts) = Languages[language];
        Read(_folder.Write("a.txt", Encoded(texts[number], codePage)), name.ToLowerInvariant()).ShouldBe(texts[number]);
    }

    [Theory]
    [MemberData(nameof(Texts))]
    public void Given_utf16_without_a_mark_then_text_of_every_language_is_read_in_either_order(string language,
        int number)
    {
        string text = Languages[language].Texts[number];
        Read(_folder.Write("le.txt", Encoding.Unicode.GetBytes(text))).ShouldBe(text);
        Read(_folder.Write("be.txt", Encoding.BigEndianUnicode.GetBytes(text))).ShouldBe(text);
    }

    [Theory]
    [InlineData("안녕하세요, 만나서 반갑습니다.")]
    [InlineData("hello")]
    [InlineData("สวัสดี ชาวโลก")]
    [InlineData("שלום עולם, مرحبا بالعالم")]
    [InlineData("नमस्ते दुनिया 🙂")]
    public void Given_utf16_without_a_mark_then_text_of_other_scripts_is_read_in_either_order(string text)
    {
        Read(_folder.Write("le.txt", Encoding.Unicode.GetBytes(text))).ShouldBe(text);
        Read(_folder.Write("be.txt", Encoding.BigEndianUnicode.GetBytes(text))).ShouldBe(text);
    }

    [Theory]
    [InlineData("今日はとても良い天気ですね。\nコーヒーをください。 OK\n")]
    [InlineData("plain, then 日本語")]
    public void Given_iso_2022_jp_then_it_is_read_although_its_bytes_are_ascii(string text)
    {
        Read(_folder.Write("a.txt", Encoded(text, 50220))).ShouldBe(text);
        _report.Encodings["a.txt"].ShouldBe("ISO-2022-JP");
    }

    [Theory]
    [InlineData("这是一个春天的早晨。\n他说:我们去北京吧。 OK\n")]
    [InlineData("plain, then 中国的人 and a tilde: ~ and again 大学")]
    public void Given_hz_then_it_is_read_although_its_bytes_are_ascii(string text)
    {
        string path = _folder.Write("a.txt", Hz(text));
        Read(path).ShouldBe(text);
        _report.Encodings["a.txt"].ShouldBe("HZ");
    }

    [Theory]
    [InlineData("if (a) ~{ x = 1; ~} and ~{ab~} or ~{zq~}\n")]
    [InlineData("~{ no end")]
    public void Given_tildes_and_braces_that_spell_no_chinese_then_the_text_is_ascii(string text)
    {
        Read(_folder.Write("a.txt", Encoding.ASCII.GetBytes(text))).ShouldBe(text);
        _report.Encodings["a.txt"].ShouldBe("UTF-8");
    }

    /// <summary>RFC 1843 by hand: GB 2312 without high bits between ~{ and ~}, and ~~ for a tilde.</summary>
    private static byte[] Hz(string text)
    {
        Encoding gb = CodePagesEncodingProvider.Instance.GetEncoding(936)!;
        var bytes = new List<byte>();
        bool shifted = false;
        foreach (char c in text)
        {
            bool chinese = c > 127;
            if (chinese != shifted)
                bytes.AddRange(chinese ? "~{"u8 : "~}"u8);
            shifted = chinese;
            bytes.AddRange(chinese ? gb.GetBytes($"{c}").Select(b => (byte)(b & 0x7F)) : c == '~' ? "~~"u8.ToArray()
                : [(byte)c]);
        }
        if (shifted)
            bytes.AddRange("~}"u8);
        return [.. bytes];
    }

    [Fact]
    public void Given_accents_in_macintosh_bytes_then_they_are_not_taken_for_ideographs_stuck_to_latin_letters() =>
        Should.Throw<AtelierException>(() =>
            Read(_folder.Write("a.txt",
            Encoded("Il était une fois, dans un château près de la forêt, une princesse très âgée qui rêvait.",
            10000))))
            .Message.ShouldContain("no other encoding was detected");

    [Fact]
    public void Given_a_long_text_whose_first_letters_above_ascii_come_late_then_its_encoding_is_found_there()
    {
        string text = string.Concat(Enumerable.Repeat("plain words in many lines\n", 20_000))
            + "Der größte Zwerg übt für schöne Straßen.\n";
        Read(_folder.Write("a.txt", Encoded(text, 1252))).ShouldBe(text);
    }

    [Fact]
    public void Given_an_encoding_other_than_utf8_then_the_notes_say_it()
    {
        Read(_folder.Write("a.txt", Encoded("国境の長いトンネルを抜けると雪国であった。", 932)));
        _report.Notes.ShouldBe(["Read text in Shift-JIS."]);
    }

    [Fact]
    public void Given_an_encoding_that_cannot_be_told_then_it_is_refused_or_the_option_is_named()
    {
        // Half of a Thai text's bytes, as windows-874 has them, are letters in other alphabets; in none they make
        // words.
        byte[] thai = Encoded("มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ", 874);
        try
        {
            Read(_folder.Write("a.txt", thai));
            _report.Notes.ShouldContain(note => note.Contains("data.encoding", StringComparison.Ordinal));
        }
        catch (AtelierException e)
        {
            e.Hint!.ShouldContain("data.encoding");
        }
    }

    [Fact]
    public void Given_an_encoding_that_there_is_not_then_it_is_refused_by_name()
    {
        AtelierException e = Should.Throw<AtelierException>(() => Read(_folder.Write("a.txt", "words"), "gb-12345"));
        e.ToLine().ShouldContain("there is no encoding 'gb-12345'");
        e.Hint!.ShouldContain("GB18030");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Utf32_is_read_by_its_byte_order_mark(bool bigEndian)
    {
        var encoding = new UTF32Encoding(bigEndian, byteOrderMark: true);
        Read(_folder.Write("a.txt", [.. encoding.GetPreamble(), .. encoding.GetBytes("你好 👍")])).ShouldBe("你好 👍");
    }

    private static byte[] Encoded(string text, int codePage) => CodePagesEncodingProvider.Instance.GetEncoding(
        codePage, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback)!.GetBytes(text);

    private string Read(string path, string? encoding = null) => string.Concat(
        TextSource.Read(path, new ReadingOptions { Unit = DocumentUnit.File, Encoding = encoding }, _report)
            .Select(piece => piece.Text));
}
