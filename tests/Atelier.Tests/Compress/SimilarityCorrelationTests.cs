using Atelier.Compress;
using Atelier.Evaluation;

namespace Atelier.Tests.Compress;

public sealed class SimilarityCorrelationTests
{
    [Fact]
    public void Vectors_that_are_turned_alike_have_the_same_similarities_and_unrelated_ones_do_not()
    {
        var random = new Random(2);
        float[][] vectors = Units(random, 200), others = Units(random, 200);
        float[][] turned = [.. vectors.Select(v => (float[])[-v[2], v[0], v[1]])];
        Metric same = SimilarityCorrelation.Of(vectors, turned, 100, seed: 1);
        same.Low.ShouldBe(1, 1e-6);
        same.High.ShouldBe(1, 1e-6);
        Metric none = SimilarityCorrelation.Of(vectors, others, 100, seed: 1);
        none.Value.ShouldBeInRange(-0.2, 0.2);
        none.Value.ShouldBeInRange(none.Low, none.High);
    }

    [Fact]
    public void Three_texts_have_the_correlation_of_their_three_cosines()
    {
        float[][] vectors = [[1, 0], [0.6f, 0.8f], [0, 1]], others = [[1, 0], [0.8f, 0.6f], [-0.6f, 0.8f]];
        // cosines 0.6, 0.8, 0 and 0.8, 0, -0.6: deviations from the means 0.4667 and 0.0667, by hand
        double[] x = [0.6 - (1.4 / 3), 0.8 - (1.4 / 3), -1.4 / 3], y = [0.8 - (0.2 / 3), -0.2 / 3, -0.6 - (0.2 / 3)];
        double expected = ((x[0] * y[0]) + (x[1] * y[1]) + (x[2] * y[2])) / Math.Sqrt(
            x.Sum(a => a * a) * y.Sum(b => b * b));
        SimilarityCorrelation.Of(vectors, others, 10, seed: 1).Value.ShouldBe(expected, 1e-6);
    }

    [Fact]
    public void Too_few_texts_are_one_line() => Should.Throw<AtelierException>(() =>
        SimilarityCorrelation.Of([[1]], [[1]], 10, seed: 1)).ToLine().ShouldContain("too short");

    private static float[][] Units(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ =>
    {
        float[] v = [random.NextSingle() - 0.5f, random.NextSingle() - 0.5f, random.NextSingle() - 0.5f];
        float length = MathF.Sqrt(v.Sum(a => a * a));
        return v.Select(a => a / length).ToArray();
    })];
}
