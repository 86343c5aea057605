using static TorchSharp.torch;

namespace Atelier.Tensors;

/// <summary>
/// Sets a module to evaluation mode and disables gradients; on disposal both are restored.
/// </summary>
internal readonly ref struct EvaluationMode : IDisposable
{
    private readonly nn.Module _module;
    private readonly bool _wasTraining;
    private readonly IDisposable _gradients;

    /// <summary>Sets a module to evaluation mode and disables gradients on the calling thread.</summary>
    public EvaluationMode(nn.Module module)
    {
        (_module, _wasTraining, _gradients) = (module, module.training, no_grad());
        if (_wasTraining)
            module.eval();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_wasTraining)
            _module.train();
        _gradients.Dispose();
    }
}
