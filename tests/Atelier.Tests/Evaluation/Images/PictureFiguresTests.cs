using Atelier.Evaluation;
using Atelier.Evaluation.Images;
using Atelier.Recipes;
using Atelier.Tasks.Images;
using static TorchSharp.torch;

namespace Atelier.Tests.Evaluation.Images;

/// <summary>Figures of sets of features, on points whose answers are known or slowly counted.</summary>
public sealed class PictureFiguresTests
{
    private static readonly EvaluationSection Options = new() { BootstrapSamples = 200 };

    [Fact]
    public void The_kernel_distance_is_what_a_plain_double_sum_gives()
    {
        using var scope = NewDisposeScope();
        Tensor x = randn(83, 7, dtype: ScalarType.Float64, generator: new Generator(1)),
            y = randn(90, 7, dtype: ScalarType.Float64, generator: new Generator(2)).mul(1.2).add(0.1);
        double[,] a = ToRows(x), b = ToRows(y);
        double[] blocks = KernelDistance.Blocks(x, y);
        blocks.Length.ShouldBe(40);
        int size = 83 / 40;
        for (int block = 0; block < blocks.Length; block++)
        {
            double within = 0, across = 0;
            for (int i = block; i < 40 * size; i += 40)
            {
                for (int j = block; j < 40 * size; j += 40)
                {
                    within += i == j ? 0 : Kernel(a, i, a, j) + Kernel(b, i, b, j);
                    across += Kernel(a, i, b, j);
                }
            }
            blocks[block].ShouldBe((within / (size * (size - 1))) - (2 * across / (size * size)), 1e-10);
        }
        KernelDistance.Of(x, y, Options, 1).Value.ShouldBe(blocks.Average(), 1e-12);

        static double Kernel(double[,] p, int i, double[,] q, int j) =>
            Math.Pow((Enumerable.Range(0, 7).Sum(d => p[i, d] * q[j, d]) / 7) + 1, 3);
    }

    [Fact]
    public void The_kernel_distance_of_one_distribution_is_around_zero_and_of_two_is_not()
    {
        using var scope = NewDisposeScope();
        Tensor x = randn(2000, 8, dtype: ScalarType.Float64, generator: new Generator(1)),
            y = randn(2000, 8, dtype: ScalarType.Float64, generator: new Generator(2));
        Metric same = KernelDistance.Of(x, y, Options, 1), other = KernelDistance.Of(x, y.add(0.3), Options, 1);
        same.Low.ShouldBeLessThan(0);
        same.High.ShouldBeGreaterThan(0);
        other.Low.ShouldBeGreaterThan(0);
        Metric sorted = KernelDistance.Of(x, y.index_select(0, y.select(1, 0).argsort()), Options, 1);
        sorted.Value.ShouldBeLessThan(other.Value / 5, "the order of pictures, by class say, has no meaning");
    }

    [Fact]
    public void Neighbourhoods_of_points_on_a_line_are_as_counted_by_hand()
    {
        using var scope = NewDisposeScope();
        // Real: 0 to 9. With k = 3 the ball of 0 reaches 3, of 1 reaches 2, of the middle ones 2 and so on; with k = 5
        // of 0 5, of 5 3.
        Tensor real = arange(10, dtype: ScalarType.Float64).unsqueeze(1);
        // Made: six at 4.4 to 4.6, all in many real balls, and six far away.
        Tensor made = tensor([4.40, 4.44, 4.48, 4.52, 4.56, 4.6, 100, 101, 102, 103, 104, 105]).unsqueeze(1);
        IReadOnlyDictionary<string, Metric> figures = NeighbourFigures.Of(made, real, Options, 1);
        figures["precision"].Value.ShouldBe(0.5);
        figures["recall"].Value.ShouldBe(1, "the ninth neighbour of so few is far away");
        // A real ball with k = 5: of 0 and 9 reach 5, of 1 and 8 reach 4, of the others 3. Near 4.5 are the balls of 0
        // (5), 1 (4: to 5), 2 (3: to 5), 3, 4, 5, 6, 7, 8, 9: 2 reaches 5, 7 reaches 4; 9 reaches 4.
        figures["density"].Value.ShouldBe(0.5 * 10 / 5.0);
        figures["coverage"].Value.ShouldBe(1);
    }

    [Fact]
    public void Neighbourhoods_are_what_every_pair_counted_gives()
    {
        using var scope = NewDisposeScope();
        Tensor real = randn(150, 3, dtype: ScalarType.Float64, generator: new Generator(1)),
            made = randn(130, 3, dtype: ScalarType.Float64, generator: new Generator(2)).mul(0.7).add(0.5);
        double[,] r = ToRows(real), m = ToRows(made);
        double[] real3 = Radius(r, 3), real5 = Radius(r, 5), real10 = Radius(r, 10), made10 = Radius(m, 10);
        int[] ofReal = [.. Enumerable.Range(0, 150)], ofMade = [.. Enumerable.Range(0, 130)];
        IReadOnlyDictionary<string, Metric> figures = NeighbourFigures.Of(made, real, Options, 1);
        figures["precision"].Value.ShouldBe(ofMade.Average(j => ofReal.Any(i => Distance(r, i, m, j) <= real3[i]) ? 1.0
            : 0), 1e-12);
        figures["recall"].Value.ShouldBe(ofReal.Average(i => ofMade.Any(j => Distance(r, i, m, j) <= made10[j])
            && ofMade.Any(j => Distance(r, i, m, j) <= real10[i]) ? 1.0 : 0), 1e-12);
        figures["density"].Value.ShouldBe(ofMade.Average(j =>
            ofReal.Count(i => Distance(r, i, m, j) <= real5[i]) / 5.0), 1e-12);
        figures["coverage"].Value.ShouldBe(ofReal.Average(i => ofMade.Any(j => Distance(r, i, m, j) <= real5[i]) ? 1.0
            : 0), 1e-12);
        figures.Values.ShouldAllBe(f => f.Low <= f.Value && f.Value <= f.High && f.Low < f.High);

        (int[] index, double[] squared) =
            Neighbours.Nearest(made, [real.narrow(0, 0, 90).clone(), real.narrow(0, 90, 60).clone()]);
        foreach (int j in ofMade)
        {
            index[j].ShouldBe(ofReal.MinBy(i => Distance(r, i, m, j)));
            Math.Sqrt(squared[j]).ShouldBe(ofReal.Min(i => Distance(r, i, m, j)), 1e-7);
        }
    }

    [Fact]
    public void The_score_is_as_calculated_by_hand()
    {
        using var scope = NewDisposeScope();
        // Two pictures surely of different classes and two that could be either: p(y) is even, KL = ln 2, ln 2, 0, 0.
        Tensor p = tensor(new double[,] { { 1 - 1e-12, 1e-12 }, { 1e-12, 1 - 1e-12 }, { 0.5, 0.5 }, { 0.5, 0.5 } });
        InceptionScore.Of(p.log(), Options, 1).Value.ShouldBe(Math.Exp(Math.Log(2) / 2), 1e-9);
        InceptionScore.Of(eye(10, dtype: ScalarType.Float64).add(1e-13).log(), Options, 1).Value.ShouldBe(10, 1e-6);
        InceptionScore.Of(full([50, 10], 0.1, dtype: ScalarType.Float64).log(), Options, 1).Value.ShouldBe(1, 1e-9);
    }

    [Fact]
    public void An_interval_around_a_figure_is_as_wide_as_its_resamplings_are()
    {
        (double low, double high) = Bootstrap.Around(1, [.. Enumerable.Range(0, 201).Select(i => 5 + (i / 100.0))]);
        (low, high).ShouldSatisfyAllConditions(i => i.low.ShouldBe(1 - 0.95, 1e-9),
            i => i.high.ShouldBe(1 + 0.95, 1e-9));
    }

    [Fact]
    public void Classes_are_drawn_as_often_as_the_data_has_them()
    {
        SampledImages.Shares([0, 0, 0, 1, 1, 2], 3, 10).ShouldBe([5, 3, 2]);
        SampledImages.Shares([0, 1, 2], 3, 9).ShouldBe([3, 3, 3]);
        SampledImages.Shares([0, 0, 0, 1], 3, 2).Sum().ShouldBe(2);
    }

    private static double[] Radius(double[,] points, int k) =>
        [.. Enumerable.Range(0, points.GetLength(0))
            .Select(i => Enumerable.Range(0, points.GetLength(0)).Where(j => j != i)
            .Select(j => Distance(points, i, points, j)).Order().ElementAt(k - 1))];

    private static double Distance(double[,] a, int i, double[,] b, int j) =>
        Math.Sqrt(Enumerable.Range(0, a.GetLength(1)).Sum(d => (a[i, d] - b[j, d]) * (a[i, d] - b[j, d])));

    private static double[,] ToRows(Tensor x) => (double[,])x.data<double>().ToNDArray();
}
