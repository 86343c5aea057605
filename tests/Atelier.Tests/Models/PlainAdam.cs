using Atelier.Recipes;
using Atelier.Tensors;
using Atelier.Training.Optimizers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Tests.Models;

/// <summary>
/// AdamW without decay in a loop of a test's own. TorchSharp's optimizer hands numbers to libtorch that the garbage
/// collector may free meanwhile (<see cref="KeptScalars"/>), so that a test with it fails now and then.
/// </summary>
internal sealed class PlainAdam(nn.Module model, double beta2 = 0.999) : IDisposable
{
    private readonly Optimizer _optimizer = Optimizer.Create(
        new OptimizerSection { Name = OptimizerName.AdamW, Beta2 = beta2, WeightDecay = 0 }, model.named_parameters());

    /// <summary>Goes back from a loss and moves every parameter once.</summary>
    public void Step(Tensor loss, double learningRate)
    {
        model.zero_grad();
        loss.backward();
        _optimizer.Step([.. _optimizer.Parameters.Select(parameter => parameter.grad!)], learningRate);
    }

    /// <inheritdoc/>
    public void Dispose() => _optimizer.Dispose();
}
