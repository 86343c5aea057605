using System.Buffers;

namespace Atelier.Data.Text.Reading;

/// <summary>
/// The statistics of a written language that encoding detection needs: its most frequent non-ASCII characters, and
/// their share of all non-ASCII characters in a text.
/// </summary>
/// <param name="Frequent">The frequent characters, most frequent first.</param>
/// <param name="Share">The share of a text's non-ASCII characters that are among them, 0 to 1.</param>
/// <param name="HasWordsOfLetters">Whether the language has an alphabet, with spaces between words. Then non-ASCII
/// letters occur singly among ASCII letters (Latin), or only among each other (Cyrillic).</param>
internal sealed record WritingSystem(string Frequent, double Share, bool HasWordsOfLetters)
{
    // Characters and letters in order of their frequency in running text, as counted in a corpus of the language.
    private const string SimplifiedCharacters =
        "的，。一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里、用道行所然家" +
        "种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第" +
        "“”公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话：" +
        "；合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神" +
        "总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听" +
        "白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导" +
        "争运？！《》（）…—";

    private const string TraditionalCharacters =
        "的，。一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡、用道行所然家" +
        "種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日軍者意無力它與長把機十民第" +
        "「」公此已工使情明性知全三又關點正業外將兩高間由問很最重並物手應戰向頭文體政美相見被利什二等產或新己制身果加西斯月話：" +
        "；合回特代內信表化老給世位次度門任常先海通教兒原東聲提立及比員解水名真論處走義各入幾口認條平系氣題活爾更別打女變四神" +
        "總何電數安少報才結反受目太量再感建務做接必場件計管期市直德資命山金指克許統區保至隊形社便空決治展馬科司五基眼書非則聽" +
        "白卻界達光放強即像難且權思王象完設式色路記南品住告類求據程北邊死張該交規萬取拉格望覺術領共確傳師觀清今切院讓識候帶導" +
        "爭運？！《》（）…—灣臺台";

    private const string JapaneseCharacters =
        "のにいをはるとがしてでなたかっこられすまもあさりくれうんそよきけせだ、。おえわつちみめどめほやじむばずごげひふべぎねろ" +
        "「」ーンスルトラリアイクドシタレロジコカサマテフキムナオメッニツセブミワデハモバプチパソヤグビケ・ュョャェォァィポ" +
        "日人年大本中国一月出生時会見行後前長上自分者事業方部間手地場合東学高入同立小新三二十今家言思気来子私何知話方先全" +
        "社水私山川名小田食物心体目近動使車朝家持取多少用最女男書正明最第回政当実力合主外金代内理化性度関対発作学員表通" +
        "々ゃゅょゆへぬぶぼぜぞづぐ（）！？";

    private const string KoreanCharacters =
        "이다는에을의가고하지를은한로서사기도인자대리일어시정아나수스그것부들장제라주보있었니해으전상원구만여게과성우조진선안관면" +
        "동소공신무국비적생위모세개학유중마와연재경내러트오간요미행작말할르물문발후계분려방되단반결식현민영업습당회저실치남년같화" +
        "강양래러거드시네까습너최히또두많본명밥먹길울산목눈심날살용심없았겠음않된될데며때려임좋";

    private const string RussianLetters = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъОПВНСАКМТИРДЕБГЭУЗЧЯЛХШЖФЮЦё«»—№і";

    public static WritingSystem Simplified { get; } = new(SimplifiedCharacters, 0.72, false);

    public static WritingSystem Traditional { get; } = new(TraditionalCharacters, 0.72, false);

    public static WritingSystem Japanese { get; } = new(JapaneseCharacters, 0.85, false);

    public static WritingSystem Korean { get; } = new(KoreanCharacters, 0.88, false);

    public static WritingSystem Russian { get; } = new(RussianLetters, 0.99, true);

    /// <summary>The languages in Latin script that windows-1252 covers.</summary>
    public static IReadOnlyList<WritingSystem> Western { get; } =
    [
        new("éàèêçôûîâùïœëÉ’«»ÀÊœ–…æ", 0.97, true), // French
        new("üäößÜÖÄ„“–»«é…", 0.97, true), // German
        new("óíáéñú¿¡üÁÉÓ«»–ÍÑ", 0.97, true), // Spanish
        new("ãçáéâêóíõúàÁÉÇôü–", 0.97, true), // Portuguese
        new("àèùòéìÈ’«»–È", 0.97, true), // Italian
        new("åäöøæÅÄÖØÆéü–”»", 0.97, true), // Swedish, Danish, Norwegian, Finnish
        new("íáéðóþöæúýÁÍÞÓ„“", 0.97, true), // Icelandic
        new("’“”‘–—…é°£€©®üñöçèïêâô§µ±×²³½·•™", 0.97, true), // English
    ];

    /// <summary>The languages in Latin script that windows-1250 covers.</summary>
    public static IReadOnlyList<WritingSystem> CentralEuropean { get; } =
    [
        new("ęąłóśżćńźŁŚŻÓĆ„”–", 0.97, true), // Polish
        new("íáěéřčžýšůúťďňŠČŘŽÚ„“–", 0.97, true), // Czech
        new("áíéčšýžľúťôňďäóŠČŽ„“–", 0.97, true), // Slovak
        new("áéöőóüíűúÉÁÖŐ„”–", 0.97, true), // Hungarian
    ];

    /// <summary>Turkish, which windows-1254 covers.</summary>
    public static WritingSystem Turkish { get; } = new("ışüğçöİŞÜÖÇâîĞ’–", 0.97, true);

    /// <summary>Greek, which windows-1253 covers.</summary>
    public static WritingSystem Greek { get; } = new("αοιετσνυρπκμλωήάίόηςέγδχθύφβξζώψΑΤΕΟΠΚΜΗΣΔΝΓΕ", 0.98, true);

    private static readonly SearchValues<char> AnyFrequent = SearchValues.Create(string.Concat(
    [
        SimplifiedCharacters, TraditionalCharacters, JapaneseCharacters, KoreanCharacters, RussianLetters,
        Greek.Frequent, Turkish.Frequent, .. Western.Concat(CentralEuropean).Select(language => language.Frequent),
    ]));

    /// <summary>Returns whether a character is frequent in any of the languages.</summary>
    public static bool IsFrequent(char c) => AnyFrequent.Contains(c);
}
