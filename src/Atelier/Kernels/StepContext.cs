using Atelier.Tensors;

namespace Atelier.Kernels;

/// <summary>
/// The state of a training step that layers read and models do not know. A replica sets one on its thread while a step
/// runs there; a thread without one has the defaults. An object never changes once it is made: what differs for a while
/// is a copy, <c>(StepContext.Current with { … }).Use()</c>.
/// </summary>
internal sealed record StepContext
{
    private static readonly StepContext None = new();

    [ThreadStatic]
    private static StepContext? s_current;

    /// <summary>The context of the calling thread.</summary>
    public static StepContext Current => s_current ?? None;

    /// <summary>The source of random numbers; null for the tensor library's own generator.</summary>
    public RandomStream? Random { get; init; }

    /// <summary>The number of the training step, from 1; 0 where nothing is trained.</summary>
    public long Step { get; init; }

    /// <summary>The paths that layers take; null where no plan chooses them.</summary>
    public LayerDispatch? Dispatch { get; init; }

    /// <summary>The weights in bf16 that threads share; null where each use rounds again.</summary>
    public RoundedWeights? Weights { get; init; }

    /// <summary>The threads that divide a batch while images are sampled; null where none do.</summary>
    public WorkerTeam? Team { get; init; }

    /// <summary>
    /// The factor that the loss is multiplied by afterwards. A layer that computes gradients in its forward pass can
    /// include the factor at once; the backward pass passes the true one.
    /// </summary>
    public double LossWeight { get; init; } = 1;

    /// <summary>Whether gradients of gradients are needed, for which convolutions may take a slower path.</summary>
    public bool SecondOrder { get; init; }

    /// <summary>Sets this context on the calling thread. Disposing the result restores the one before.</summary>
    public IDisposable Use()
    {
        StepContext? before = s_current;
        s_current = this;
        return new Restoration(() => s_current = before);
    }
}
