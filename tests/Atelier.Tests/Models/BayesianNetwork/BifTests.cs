using Atelier.Models.BayesianNetwork;
using Atelier.Tests.Data;
using CsCheck;

namespace Atelier.Tests.Models.BayesianNetwork;

public class BifTests
{
    private const string Good = """
        network n { property author me ; }
        // a comment
        variable rain { type discrete [ 2 ] { yes, no }; property position = (1, 2) ; }
        variable wet { type discrete [ 2 ] { yes, no }; }
        probability ( rain ) { table 0.2, 0.8; }
        probability ( wet | rain ) { (yes) 0.9, 0.1; (no) 0.3, 0.7; }
        """;

    [Fact]
    public void What_was_written_is_read_back_bit_for_bit() => Networks.Any.Sample(network =>
    {
        DiscreteNetwork back = Read(BifFile.Text(network));
        for (int i = 0; i < network.Variables.Count; i++)
        {
            back.Variables[i].ToString().ShouldBe(network.Variables[i].ToString());
            back.Graph.Parents(i).ShouldBe(network.Graph.Parents(i));
            for (int cell = 0; cell < network.Table(i).Length; cell++)
                back.Table(i)[cell].ShouldBe(network.Table(i)[cell], 1e-15); // a sum one bit off 1 is scaled
        }
    }, iter: 50);

    [Fact]
    public void Gzipped_files_and_names_with_spaces_are_read_and_written()
    {
        using var folder = new TemporaryFolder();
        var variable = new Variable("the rain, today", ["some (little)", "none"]);
        var network = new DiscreteNetwork([variable], new DirectedGraph([[]], [variable.Name]), [[0.25, 0.75]]);
        string path = Path.Combine(folder.Path, "n.bif.gz");
        BifFile.Write(path, network);
        File.ReadAllBytes(path)[..2].ShouldBe([0x1F, 0x8B]);
        BifFile.Read(path).Variables[0].ToString().ShouldBe(variable.ToString());
    }

    [Theory]
    [InlineData("asia", 8, 8, 18)]
    [InlineData("sachs", 11, 17, 178)]
    [InlineData("alarm", 37, 46, 509)]
    [InlineData("cancer", 5, 4, 10)]
    [InlineData("earthquake", 5, 4, 10)]
    public void Published_networks_have_the_published_size(string name, int variables, int edges, int parameters)
    {
        DiscreteNetwork network = Networks.Published(name);
        network.Variables.Count.ShouldBe(variables);
        network.Graph.Edges.Count().ShouldBe(edges);
        network.ParameterCount.ShouldBe(parameters);
    }

    [Fact]
    public void A_table_in_one_line_has_the_child_slowest()
    {
        DiscreteNetwork network = Read(Good.Replace("(yes) 0.9, 0.1; (no) 0.3, 0.7;", "table 0.9, 0.3, 0.1, 0.7;"));
        network.Table(1).ToArray().ShouldBe([0.9, 0.1, 0.3, 0.7]);
    }

    [Fact]
    public void A_default_row_stands_for_those_not_given() =>
        Read(Good.Replace("(no) 0.3, 0.7;", "default 0.5, 0.5;")).Table(1).ToArray().ShouldBe([0.9, 0.1, 0.5, 0.5]);

    [Theory]
    [InlineData("probability ( wet | rain ) { (yes) 0.9, 0.1; (no) 0.3, 0.7; }", "", "no table for wet")]
    [InlineData("(no) 0.3, 0.7;", "", "lacks row 2 of 2")]
    [InlineData("0.3, 0.7", "0.3, 0.6", "sums to 0.9")]
    [InlineData("0.3, 0.7", "-0.3, 1.3", "is not a probability")]
    [InlineData("0.3, 0.7", "0.3", "has 1 number where 2 belong")]
    [InlineData("0.3, 0.7", "0.3, x", "'x' appears where a number is expected")]
    [InlineData("wet | rain", "wet | rian", "no variable 'rian'")]
    [InlineData("(no)", "(nno)", "no state 'nno'")]
    [InlineData("[ 2 ] { yes, no }; property", "[ 3 ] { yes, no }; property", "declares 3 states but lists 2")]
    [InlineData("probability ( rain ) {", "probability ( rain | wet ) {", "")]
    [InlineData("variable wet { type", "variable rain { type", "appears twice")]
    [InlineData("{ yes, no }; }", "{ yes, yes }; }", "'yes' twice")]
    [InlineData("(no) 0.3, 0.7; }", "(no) 0.3, 0.7;", "the file ends")]
    public void A_damaged_file_is_told_with_what_is_wrong(string part, string damage, string message)
    {
        AtelierException error = Should.Throw<AtelierException>(() => Read(Good.Replace(part, damage)));
        error.Message.ShouldContain(message);
        error.Where!.ShouldContain("n.bif");
    }

    [Fact]
    public void A_cycle_is_told_edge_by_edge()
    {
        string cyclic = Good.Replace("probability ( rain ) { table 0.2, 0.8; }",
            "probability ( rain | wet ) { (yes) 0.2, 0.8; (no) 0.2, 0.8; }");
        Should.Throw<AtelierException>(() => Read(cyclic)).Message.ShouldContain("rain -> wet -> rain");
    }

    [Fact]
    public void A_variable_with_ten_thousand_states_is_refused()
    {
        string states = string.Join(", ", Enumerable.Range(0, 10_000).Select(i => $"s{i}"));
        Should.Throw<AtelierException>(() =>
            Read(Good.Replace("[ 2 ] { yes, no }; property", $"[ 10000 ] {{ {states} }}; property")))
            .Message.ShouldContain("10000 states");
    }

    private static DiscreteNetwork Read(string text)
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "n.bif");
        File.WriteAllText(path, text);
        return BifFile.Read(path);
    }
}
