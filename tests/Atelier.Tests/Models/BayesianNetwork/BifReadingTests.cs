using System.Text;
using Atelier.Models.BayesianNetwork;
using Atelier.Tests.Data;

namespace Atelier.Tests.Models.BayesianNetwork;

/// <summary>BIF files as other programs and other times wrote them.</summary>
public sealed class BifReadingTests : IDisposable
{
    private const string Old = """
        // as JavaBayes wrote it
        network "pets and rain" { //2 variables
            property "credal-set constant-density-bounded 1.1" ;
        }
        variable  "rain now" { type discrete[2] {  "true"  "false" }; property "position = (218, 195)" ; }
        variable  wet { type discrete[2] {  "true"  "false" }; }
        variable  dog { type discrete[2] { in out }; }
        probability (  "rain now" ) { table 0.3   // p(true)
            0.7 ; }
        probability (  dog, wet ) { (true) 0.25 0.75; default 0.5 0.5; }
        probability (  wet  "rain now" ) { table 0.9 0.2
            0.1 0.8 ; }
        """;

    private const string Named = """
        network unknown { }
        variable NAME { type discrete [ 2 ] { STATE, no }; }
        probability ( NAME ) { table 0.25, 0.75; }
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_older_form_is_read()
    {
        DiscreteNetwork network = BifFile.Read(_folder.Write("old.bif", Old));
        network.Variables.Select(v => v.Name).ShouldBe(["rain now", "wet", "dog"]);
        network.Graph.Edges.ShouldBe([(0, 1), (1, 2)], ignoreOrder: true);
        network.Table(0).ToArray().ShouldBe([0.3, 0.7]);
        network.Table(1).ToArray().ShouldBe([0.9, 0.1, 0.2, 0.8]);
        network.Table(2).ToArray().ShouldBe([0.25, 0.75, 0.5, 0.5]);
    }

    [Fact]
    public void Intervals_are_states_with_and_without_quotes_and_go_out_and_come_back()
    {
        const string intervals = """
            network unknown { }
            variable age { type discrete [ 3 ] { (18,65], [ 0, 18 ], ">65" }; }
            variable x { type discrete [ 2 ] { yes, no }; }
            probability ( age ) { table 0.5, 0.25, 0.25; }
            probability ( x | age ) { ( (18,65] ) 0.1, 0.9; ([ 0, 18 ]) 0.2, 0.8; (">65") 0.3, 0.7; }
            """;
        DiscreteNetwork network = BifFile.Read(_folder.Write("i.bif", intervals));
        network.Variables[0].States.ShouldBe(["(18,65]", "[ 0, 18 ]", ">65"]);
        network.Table(1).ToArray().ShouldBe([0.1, 0.9, 0.2, 0.8, 0.3, 0.7]);
        BifFile.Write(_folder["again.bif"], network);
        DiscreteNetwork again = BifFile.Read(_folder["again.bif"]);
        again.Variables[0].States.ShouldBe(network.Variables[0].States);
        again.Table(1).ToArray().ShouldBe(network.Table(1).ToArray());
        string open = intervals.Replace("(18,65], [", "(18,65, ", StringComparison.Ordinal).Replace("18 ],", "18,",
            StringComparison.Ordinal);
        Should.Throw<AtelierException>(() => BifFile.Read(_folder.Write("o.bif", open))).Message
            .ShouldContain(") or ] of an interval");
    }

    [Theory]
    [InlineData(936, "天气的变化", "下雨了")]
    [InlineData(950, "天氣的變化", "下雨了")]
    [InlineData(932, "今日の天気", "あめです")]
    [InlineData(949, "오늘의날씨", "비가온다")]
    [InlineData(1252, "Größe", "möglich")]
    [InlineData(65001, "天气", "雨")]
    [InlineData(1200, "天气", "雨")]
    public void Names_are_as_they_were_written_whatever_the_encoding(int codePage, string name, string state)
    {
        string text = Named.Replace("NAME", name, StringComparison.Ordinal)
            .Replace("STATE", state, StringComparison.Ordinal);
        Encoding encoding = CodePagesEncodingProvider.Instance.GetEncoding(codePage) ?? Encoding.GetEncoding(codePage);
        DiscreteNetwork network =
            BifFile.Read(_folder.Write("n.bif", [.. encoding.GetPreamble(), .. encoding.GetBytes(text)]));
        network.Variables[0].Name.ShouldBe(name);
        network.Variables[0].States[0].ShouldBe(state);
    }

    [Theory]
    [InlineData("property \"position = (218, 195)\" ;", "observed true ;",
        "'observed' appears where type or property is expected", 5)]
    [InlineData("{ in out };", "{ in out }; type discrete[2] { a b };", "dog has two types", 7)]
    [InlineData("type discrete[2] { in out };", "type continuous;",
        "'continuous' appears where discrete is expected", 7)]
    [InlineData("default 0.5 0.5;", "noisyor 0.5 0.5;",
        "'noisyor' appears where table, default, a row or property is expected", 10)]
    [InlineData("default 0.5 0.5;", "(true) 0.5 0.5;", "a row of the table of dog appears twice", 10)]
    [InlineData("property \"credal-set", "credal \"credal-set", "'credal' appears where property is expected", 3)]
    [InlineData("probability (  dog, wet )", "utility ( dog )",
        "'utility' appears where network, variable or probability is expected", 10)]
    public void What_is_not_read_is_refused_by_name_with_its_line(string part, string other, string message, int line)
    {
        AtelierException e =
            Should.Throw<AtelierException>(() =>
            BifFile.Read(_folder.Write("n.bif", Old.Replace(part, other, StringComparison.Ordinal))));
        e.Message.ShouldBe(message);
        e.Where!.ShouldEndWith($"line {line}");
    }

    [Theory]
    [InlineData("networks/latin1.bif", "Größe")]
    [InlineData("networks/chinese-gbk.bif", "天气")]
    [InlineData("networks/chinese-utf8-bom.bif", "天气")]
    [InlineData("networks/old-form.bif", "rain-now")]
    public void Networks_that_once_failed_are_read(string name, string variable) =>
        BifFile.Read(TestSupport.TestCases.Path(name)).Variables[0].Name.ShouldBe(variable);
}
