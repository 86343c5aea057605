using System.Runtime.InteropServices;
using Atelier.Models.Hmm.Emissions;
using Atelier.Models.Hmm.Inference;
using static TorchSharp.torch;

namespace Atelier.Models.Hmm;

/// <summary>Converts hidden Markov models to named tensors and back, for bundles and checkpoints.</summary>
internal static class HmmTensors
{
    /// <summary>The tensor of the numbers of categories of columns, which text has none of.</summary>
    public const string Sizes = "sizes";

    /// <summary>Copies the parameters to tensors, which belong to the caller's dispose scope.</summary>
    public static Dictionary<string, Tensor> Write(HmmModel model)
    {
        int states = model.StateCount;
        var tensors = new Dictionary<string, Tensor>
        {
            ["start"] = tensor(model.Chain.Start[..states], ScalarType.Float64),
            ["transitions"] = tensor(Padding.Remove(model.Chain.Transitions, states, model.Chain.Width),
                [states, states], ScalarType.Float64),
        };
        foreach ((string name, (double[] values, long[] shape)) in model.Emissions.Tensors)
            tensors[name] = tensor(values, shape, ScalarType.Float64);
        return tensors;
    }

    /// <summary>Creates a model from its tensors.</summary>
    /// <param name="tensors">The tensors by name.</param>
    /// <param name="emission">The emission distribution.</param>
    /// <param name="covariance">The form of the covariance matrices, for Gaussian emissions.</param>
    /// <param name="where">The path of the file, for error messages.</param>
    /// <exception cref="AtelierException">A tensor is missing, or the shapes do not match.</exception>
    public static HmmModel Read(IReadOnlyDictionary<string, Tensor> tensors, HmmEmission emission,
        CovarianceShape covariance, string where)
    {
        const string hint = "download or export the model again";
        double[] Get(string name, params long[] shape)
        {
            if (!tensors.TryGetValue(name, out Tensor? tensor) || tensor.dtype != ScalarType.Float64
                || tensor.shape.Length != shape.Length
                || !tensor.shape.Zip(shape).All(d => d.Second < 0 || d.First == d.Second))
                throw new AtelierException(
                    $"the tensor {name} is missing, or not of 64-bit floats in the model's shape", where, hint);
            return MemoryMarshal.Cast<byte, double>(tensor.bytes).ToArray();
        }
        double[] start = Get("start", -1);
        int states = start.Length;
        try
        {
            var chain = new HmmChain(start, Get("transitions", states, states));
            return new HmmModel(chain, emission switch
            {
                HmmEmission.Categorical or HmmEmission.Bernoulli when tensors.ContainsKey(Sizes) => Columns(),
                HmmEmission.Categorical => new CategoricalEmissions(states,
                    Padding.Add(Get("emissions", -1, states), states, HmmKernels.Width(states))),
                HmmEmission.Poisson => Poisson(Get("rates", states, -1)),
                _ => Gaussian(),
            });
        }
        catch (AtelierException e) when (e.Where is null)
        {
            throw e.At(where, hint);
        }

        ColumnEmissions Columns()
        {
            double[] sizes = Get(Sizes, -1);
            double total = sizes.Sum();
            if (!sizes.All(size => size >= 1 && size == Math.Floor(size)) || total > int.MaxValue)
                throw new AtelierException("a column has no categories", where, hint);
            double[] probabilities = Get("emissions", (long)total, states);
            return probabilities.All(probability => probability is >= 0 and <= 1)
                ? new(states, Array.ConvertAll(sizes, size => (int)size),
                    Padding.Add(probabilities, states, HmmKernels.Width(states)))
                : throw new AtelierException("a probability is not between 0 and 1", where, hint);
        }
        PoissonEmissions Poisson(double[] rates) => rates.All(rate => rate >= 0 && double.IsFinite(rate))
            ? new(states, rates, rates.Length / states)
            : throw new AtelierException("a rate is negative or not finite", where, hint);
        GaussianEmissions Gaussian()
        {
            double[] floor = Get("floor", -1), weights = Get("weights", states, -1);
            bool diagonal = covariance is CovarianceShape.Spherical or CovarianceShape.Diagonal;
            return new GaussianEmissions(states, covariance, weights, Get("means", weights.Length, floor.Length),
                diagonal ? Get("covariances", weights.Length, floor.Length)
                    : Get("covariances", weights.Length, floor.Length, floor.Length), floor);
        }
    }
}
