using System.Text;
using System.Xml.Linq;
using Atelier.Models.BayesianNetwork;
using Atelier.Models.BayesianNetwork.Inference;
using Atelier.Models.BayesianNetwork.Pictures;
using CsCheck;

namespace Atelier.Tests.Models.BayesianNetwork;

public class PictureTests
{
    private const double Width = 40;

    [Fact]
    public void Children_stand_below_their_parents_and_nothing_overlaps() =>
        Gen.Select(Gen.Int[1, 30], Gen.ULong).Sample((count, seed) =>
    {
        DirectedGraph graph = Networks.Random(count, seed).Graph;
        var layout = new LayeredLayout(graph, [.. Enumerable.Repeat(Width, count)]);
        foreach ((int parent, int child) in graph.Edges)
        {
            layout.LayerOf(child).ShouldBeGreaterThan(layout.LayerOf(parent));
            List<(double X, int Layer)> way = layout.Ways[(parent, child)];
            way.Select(p => p.Layer)
                .ShouldBe(Enumerable.Range(layout.LayerOf(parent), layout.LayerOf(child) - layout.LayerOf(parent) + 1));
            (way[0].X, way[^1].X).ShouldBe((layout.X(parent), layout.X(child)));
        }
        foreach (IGrouping<int, int> layer in Enumerable.Range(0, count).GroupBy(layout.LayerOf))
        {
            double[] places = [.. layer.Select(layout.X).Order()];
            for (int i = 1; i < places.Length; i++)
                (places[i] - places[i - 1]).ShouldBeGreaterThan(Width);
            places[0].ShouldBeGreaterThanOrEqualTo((Width / 2) - 1e-9);
            places[^1].ShouldBeLessThanOrEqualTo(layout.Width - (Width / 2) + 1e-9);
        }
    }, iter: 50);

    [Fact]
    public void A_tree_has_no_crossings()
    {
        int[][] parents = [.. Enumerable.Range(0, 31).Select(i => i == 0 ? Array.Empty<int>() : [(i - 1) / 2])];
        new LayeredLayout(new DirectedGraph(parents, [.. parents.Select((_, i) => $"{i}")]),
            [.. parents.Select(_ => Width)]).Crossings.ShouldBe(0);
    }

    [Fact]
    public void Asia_is_drawn_without_crossings_and_alarm_with_few()
    {
        LayeredLayout Layout(string name)
        {
            DirectedGraph graph = Networks.Published(name).Graph;
            return new LayeredLayout(graph, [.. Enumerable.Repeat(Width, graph.Count)]);
        }
        Layout("asia").Crossings.ShouldBe(0);
        Layout("alarm").Crossings.ShouldBeLessThanOrEqualTo(13);
    }

    [Fact]
    public void Pictures_are_svg_and_png_with_every_name_in_them()
    {
        DiscreteNetwork network = Networks.Random(5, 8);
        var inference = new NetworkInference(network);
        foreach (Atelier.Abstractions.ExplanationImage picture in NetworkExplanation.Pictures(network,
            EdgeStrength.Of(inference)))
        {
            if (picture.FileName.EndsWith(".png", StringComparison.Ordinal))
            {
                picture.Content[..4].ShouldBe([0x89, (byte)'P', (byte)'N', (byte)'G']);
                continue;
            }
            string text = string.Join('|', XDocument.Parse(Encoding.UTF8.GetString(picture.Content)).Descendants()
                .Where(e => e.Name.LocalName == "text").Select(e => e.Value.Trim()));
            foreach (Variable variable in network.Variables.Where(v =>
                picture.FileName == "network.svg" || picture.FileName == $"table-{v.Name}.svg"))
                text.ShouldContain(variable.Name);
        }
    }

    [Fact]
    public void A_network_of_one_variable_is_drawn_too()
    {
        var network =
            new DiscreteNetwork([new Variable("变量", ["是", "否"])], new DirectedGraph([[]], ["变量"]), [[0.25, 0.75]]);
        new NetworkImage(network, []).Png().Length.ShouldBeGreaterThan(100);
        new TableImage(network, 0).Svg().Length.ShouldBeGreaterThan(100);
    }
}
