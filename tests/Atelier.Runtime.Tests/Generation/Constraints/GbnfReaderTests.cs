using Atelier.Generation.Constraints;

namespace Atelier.Runtime.Tests.Generation.Constraints;

public sealed class GbnfReaderTests
{
    private const string Arithmetic = """
        # sums of products, with recursion over parentheses
        root  ::= term ("+" term)*
        term  ::= factor (
            "*" factor   # groups go over lines
        )*
        factor ::= number | "(" root ")" |
            "-" factor
        number ::= [0-9]+ ("." [0-9]{1,2})?
        """;

    private const string Chess = """
        root ::= ("1. " move " " move "\n")? (number ". " move " " move "\n"){1,3}
        number ::= [1-9] [0-9]?
        move ::= (pawn | piece | "O-O" "-O"?) [+#]?
        pawn ::= ([a-h] "x")? [a-h] [1-8] ("=" [NBQR])?
        piece ::= [NBKQR] [a-h]? [1-8]? "x"? [a-h] [1-8]
        """;

    [Theory]
    [InlineData("1", true)]
    [InlineData("1+2*3.25", true)]
    [InlineData("((1)+-(2*3))*4", true)]
    [InlineData("1.234", false)]
    [InlineData("(1", false)]
    [InlineData("1+", false)]
    [InlineData("", false)]
    public void Texts_of_a_recursive_grammar_are_accepted(string text, bool isAccepted) =>
        Constrained.Accepts(GbnfReader.Read(Arithmetic), text).ShouldBe(isAccepted);

    [Theory]
    [InlineData("1. e4 e5\n2. Nf3 Nc6\n", true)]
    [InlineData("1. e4 e5\n2. O-O-O exd8=Q+\n", true)]
    [InlineData("1. e4\n", false)]
    public void Repetitions_are_counted(string text, bool isAccepted) =>
        Constrained.Accepts(GbnfReader.Read(Chess), text).ShouldBe(isAccepted);

    [Theory]
    [InlineData("""root ::= "\x41\u00e9\U0001F600\n\"\\" """, "Aé😀\n\"\\")]
    [InlineData("""root ::= [^a-z\]\n] [\-x] [🙂-🙅] .""", "A-🙃\n")]
    [InlineData("root ::= \"a\"?{2} b_1-c\r\nb_1-c ::= \"\" | [好]\r\n\r\n", "aa好")]
    public void Escapes_and_characters_beyond_ascii_are_read(string grammar, string text) =>
        Constrained.Accepts(GbnfReader.Read(grammar), text).ShouldBeTrue();

    [Theory]
    [InlineData("rot ::= \"a\"", "there is no rule 'root'")]
    [InlineData("root ::= \"a\" digit\ndigits ::= [0-9]", "line 1: there is no rule 'digit'")]
    [InlineData("root ::= \"a\"\nroot ::= \"b\"", "line 2: the rule 'root' appears twice")]
    [InlineData("root = \"a\"", "line 1: '=' appears where ::= is expected")]
    [InlineData("root ::= \"a", "\" is missing at the end of the line")]
    [InlineData("root ::= [a-", "] is missing at the end of the line")]
    [InlineData("root ::= (\"a\"", "a group is not closed")]
    [InlineData("root ::= \"a\")", "line 1: ')' appears where the rule should end")]
    [InlineData("root ::= \"a\"{3,2}", "a repetition of 3 to 2 is impossible")]
    [InlineData("root ::= \"a\"{x}", "a repetition is {m}, {m,} or {m,n}")]
    [InlineData("root ::= \"\\q\"", "the escape \\q is not known")]
    [InlineData("root ::= \"\\ud800\"", "\\u needs 4 hexadecimal digits of a character")]
    [InlineData("root ::= [b-a]", "a range of characters ends before it begins")]
    [InlineData("root ::= <[1000]>", "tokens by their names or numbers are not supported")]
    [InlineData("root ::= *", "'*' appears where an item is expected")]
    public void What_is_wrong_is_refused_with_its_line(string grammar, string message) =>
        Should.Throw<AtelierException>(() => GbnfReader.Read(grammar)).Message.ShouldContain(message);

    [Fact]
    public void A_rule_that_calls_itself_before_it_reads_is_refused() =>
        Should.Throw<AtelierException>(() =>
            Constrained.Accepts(GbnfReader.Read("root ::= root \"a\" | \"b\""), "b"));

    [Fact]
    public void Ten_thousand_spoiled_grammars_are_read_or_refused_with_one_line()
    {
        var random = new Random(1);
        const string characters = "\"[]()|*+?{}\\:=#-^.\n \t\rxu\ud800🙂";
        for (int i = 0; i < 10_000; i++)
        {
            char[] text = (i % 2 == 0 ? Arithmetic : Chess).ToCharArray();
            for (int change = random.Next(1, 6); change > 0; change--)
                text[random.Next(text.Length)] = characters[random.Next(characters.Length)];
            string spoiled = new(text, 0, random.Next(4) == 0 ? random.Next(text.Length) : text.Length);
            try
            {
                GbnfReader.Read(spoiled).Rules.Count.ShouldBeGreaterThan(0);
            }
            catch (AtelierException e)
            {
                e.Message.ShouldNotContain('\n');
            }
        }
        string deep = "root ::= " + new string('(', 100_000);
        Should.Throw<AtelierException>(() => GbnfReader.Read(deep)).Message.ShouldContain("nested more than");
    }
}
