using Atelier.Recipes;
using Atelier.Tensors;
using static TorchSharp.torch;

namespace Atelier.Evaluation.Images;

/// <summary>
/// Metrics from nearest neighbours. A set's region is made of balls around its images, each reaching to its k-th
/// nearest neighbour in the set. Precision is the share of generated images in the region of the real ones
/// (Kynkäänniemi et al. 2019, eq. 1; k = 3). Recall is the share of real ones in the made ones' (eq. 2), but noise is
/// so far from itself that its balls hold everything: a real image is recalled only if a made one is in its own ball as
/// well (both sides as in Khayatkhoei and AbdAlmageed 2023), and k = 10, so that real images recall nearly all others.
/// Density counts the real balls that a made image is in, over k, and coverage is the share of real balls with a made
/// image in them (Naeem et al. 2020, eq. 3 and 4; k = 5).
/// </summary>
internal static class NeighbourFigures
{
    /// <summary>Images that each set needs.</summary>
    public const int Fewest = DensityK + 1;

    private const int PrecisionK = 3;
    private const int DensityK = 5;
    private const int RecallK = 10; // of fewer images all others

    /// <summary>
    /// The figures with 95 % intervals by bootstrap over the images that each is a mean of, the balls held as they are.
    /// </summary>
    /// <param name="made">The features of generated images, [images, width], fp64.</param>
    /// <param name="real">The features of real images, [images, width], fp64.</param>
    /// <param name="options">The number of resamples.</param>
    /// <param name="seed">The seed of resampling.</param>
    public static IReadOnlyDictionary<string, Metric> Of(Tensor made, Tensor real, EvaluationSection options, long seed)
    {
        using var scope = NewDisposeScope();
        int recallK = (int)Math.Min(RecallK, Math.Min(made.shape[0], real.shape[0]) - 1);
        Tensor[] realBalls = Neighbours.Radii(real, PrecisionK, DensityK, recallK);
        Tensor madeBalls = Neighbours.Radii(made, recallK)[0];
        List<double> precise = [], dense = [];
        Tensor recalled = zeros(real.shape[0], dtype: ScalarType.Bool);
        Tensor covered = zeros_like(recalled), met = zeros_like(recalled);
        Neighbours.ForEach(made, real, (first, squared) => // [made, real]
        {
            Tensor near = squared.le(realBalls[1]);
            precise.AddRange(squared.le(realBalls[0]).any(1).to(ScalarType.Float64).data<double>());
            dense.AddRange(near.sum(1).to(ScalarType.Float64).Times(1.0 / DensityK).data<double>());
            covered.logical_or_(near.any(0));
            met.logical_or_(squared.le(realBalls[2]).any(0));
            recalled.logical_or_(squared.le(madeBalls.narrow(0, first, squared.shape[0]).unsqueeze(1)).any(0));
        });
        Metric Mean(IEnumerable<double> values, string unit) =>
            MeanScore.Mean([.. values.Select(value => new MeanScore(value, 1))], options, seed, unit);
        return new Dictionary<string, Metric>
        {
            ["precision"] = Mean(precise, "share of drawn pictures"),
            ["recall"] = Mean(recalled.logical_and_(met).to(ScalarType.Float64).data<double>(),
                "share of real pictures"),
            ["density"] = Mean(dense, "real pictures near, of 5"),
            ["coverage"] = Mean(covered.to(ScalarType.Float64).data<double>(), "share of real pictures"),
        };
    }
}
