using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using Atelier.Training.Optimizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training;

/// <summary>
/// An exponential moving average of the weights (Polyak and Juditsky 1992). The decay rises with the step as
/// min(decay, (1 + step) / (10 + step)), so that the random initial weights soon have no influence.
/// </summary>
internal sealed class MovingAverage : IDisposable
{
    private readonly string[] _names;
    private readonly Tensor[] _parameters, _averages;
    private readonly double _decay;

    /// <summary>Starts the average with the present weights.</summary>
    public MovingAverage(IEnumerable<(string Name, Tensor Parameter)> parameters, double decay)
    {
        _decay = decay;
        (_names, _parameters) = ([.. parameters.Select(p => p.Name)], [.. parameters.Select(p => p.Parameter)]);
        _averages = TensorScripts.Clone(_parameters);
    }

    /// <summary>Returns the averages by the names of their parameters. The tensors are not copied.</summary>
    public IReadOnlyDictionary<string, Tensor> State() =>
        _names.Zip(_averages).ToDictionary(pair => pair.First, pair => pair.Second);

    /// <summary>Updates the average with the weights after a step, from 1.</summary>
    public void Update(long step)
    {
        using TimedOperation timed = TimedOperation.Begin("moving average");
        using var noGradients = no_grad();
        TensorScripts.Run("lerp", _averages, _parameters, 1 - Math.Min(_decay, (1.0 + step) / (10.0 + step)));
    }

    /// <summary>
    /// Calls a function while the model has the averages as its weights, and restores the weights afterwards.
    /// </summary>
    public T InPlace<T>(Func<T> function)
    {
        using var noGradients = no_grad();
        Tensor[] kept = TensorScripts.Clone(_parameters);
        try
        {
            TensorScripts.Run("copy", _parameters, _averages);
            return function();
        }
        finally
        {
            TensorScripts.Run("copy", _parameters, kept);
            foreach (Tensor tensor in kept)
                tensor.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in _averages)
            tensor.Dispose();
    }
}
