using System.Text;
using System.Xml.Linq;
using Atelier.Abstractions;
using Atelier.Models.Hmm;
using Atelier.Models.Hmm.Emissions;
using Atelier.Models.Hmm.Tagging;

namespace Atelier.Tests.Models.Hmm;

public sealed class ChainExplanationTests
{
    private static ExplanationTable Table(Explanation explanation, string name) =>
        explanation.Tables.Single(t => t.Name == name);

    [Fact]
    public void Shares_are_those_that_a_step_of_the_chain_leaves_as_they_are()
    {
        double[] transitions = [0.5, 0.5, 0, 0.1, 0.2, 0.7, 0.3, 0.3, 0.4];
        double[] shares = new ChainExplanation(["a", "b", "c"], [1, 0, 0], transitions).Shares;
        shares.Sum().ShouldBe(1, 1e-9);
        for (int j = 0; j < 3; j++)
            Enumerable.Range(0, 3).Sum(i => shares[i] * transitions[(3 * i) + j]).ShouldBe(shares[j], 1e-9);
    }

    [Fact]
    public void A_chain_that_goes_round_or_ends_and_begins_again_has_shares_too()
    {
        new ChainExplanation(["a", "b"], [1, 0], [0, 1, 1, 0]).Shares.ShouldBe([0.5, 0.5], 1e-9);
        // One a and one b a sentence.
        new ChainExplanation(["a", "b"], [1, 0], [0, 1, 0, 0], [0, 1]).Shares.ShouldBe([0.5, 0.5], 1e-9);
    }

    [Fact]
    public void What_states_give_off_how_long_they_last_and_where_they_lead_stands_in_tables_and_pictures()
    {
        var model = new HmmModel(new HmmChain([1, 0], [0.75, 0.25, 0, 1]),
            new CategoricalEmissions(2, Padding.Add([0.9, 0.2, 0.1, 0.8], 2, 8)));
        Explanation explanation = ChainExplanation.Of(model, "two states", symbol => symbol == 0 ? " " : "x");
        Table(explanation, "emissions").Rows[0][1].ToString().ShouldBe("␣ 0.900  x 0.100");
        Table(explanation, "emission probabilities").Rows.Select(row => row[2].ToString())
            .ShouldBe(["0.9", "0.1", "0.8", "0.2"]);
        Table(explanation, "transitions").Rows.Select(row => row[3].ToString()).ShouldBe(["4", "forever"]);
        Table(explanation, "strongest transitions").Rows.ShouldHaveSingleItem()[2].ToString().ShouldBe("0.25");
        string svg = Encoding.UTF8.GetString(explanation.Pictures.Single(p => p.FileName == "transitions.svg").Content);
        XDocument.Parse(svg).Root!.Name.LocalName.ShouldBe("svg");
        svg.ShouldContain("0.750");
        explanation.Pictures.Single(p => p.FileName == "transitions.png").Content.AsSpan(1, 3).SequenceEqual("PNG"u8)
            .ShouldBeTrue();
    }

    [Fact]
    public void A_tagger_s_first_order_shares_sum_to_one_with_the_ends()
    {
        var counts = TaggerCounts.Count([new(["the", "dog", "runs"], ["D", "N", "V"]), new(["run"], ["V"])]);
        (double[] starts, double[] transitions, double[] ends) = counts.FirstOrder();
        starts.ShouldBe([0.5, 0, 0.5]);
        (transitions[1], transitions[5], ends[2]).ShouldBe((1, 1, 1));
    }
}
