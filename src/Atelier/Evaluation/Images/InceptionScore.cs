using Atelier.Recipes;
using static TorchSharp.torch;

namespace Atelier.Evaluation.Images;

/// <summary>
/// The score of Salimans et al. 2016 (section 4) on a classifier's probabilities: exp of the mean divergence of p(y|x)
/// from the mean p(y). It is 1 if the classifier's output is the same for all images, and the number of classes if each
/// image certainly has one class and all classes are equally frequent.
/// </summary>
internal static class InceptionScore
{
    /// <summary>Returns the score with a 95 % bootstrap interval over images, centred on it.</summary>
    /// <param name="logProbabilities">log p(y|x), [images, classes], fp64.</param>
    /// <param name="options">The number of resamples.</param>
    /// <param name="seed">The seed of resampling.</param>
    public static Metric Of(Tensor logProbabilities, EvaluationSection options, long seed)
    {
        using var scope = NewDisposeScope();
        int classes = (int)logProbabilities.shape[1], count = (int)logProbabilities.shape[0];
        double[] p = logProbabilities.exp().data<double>().ToArray();
        // Σ p ln p of each image
        double[] negentropy = logProbabilities.exp().mul(logProbabilities).sum([1]).data<double>().ToArray();
        double Score(Func<int, int> pick)
        {
            var mean = new double[classes];
            double sum = 0;
            for (int i = 0; i < count; i++)
            {
                int image = pick(i);
                sum += negentropy[image];
                for (int c = 0; c < classes; c++)
                    mean[c] += p[(image * classes) + c];
            }
            return Math.Exp((sum / count) - mean.Sum(m => m > 0 ? m / count * Math.Log(m / count) : 0));
        }
        double value = Score(i => i);
        var drawn = new double[options.BootstrapSamples];
        Parallel.For(0, drawn.Length, n =>
        {
            var random = new SplitMix64(SplitMix64.At((ulong)seed, (ulong)n));
            drawn[n] = Score(_ => (int)random.Next(count));
        });
        (double low, double high) = Bootstrap.Around(value, drawn);
        return new Metric(value, low, high, "classes");
    }
}
