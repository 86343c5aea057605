using System.Collections.Concurrent;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Atelier.Training.Execution;

/// <summary>
/// The weights in bf16, which all copies of a model share: rounded once before a batch, each thread its share, instead of at
/// each use.
/// </summary>
internal sealed unsafe class RoundedWeights : IDisposable
{
    [ThreadStatic]
    private static RoundedWeights? s_current;
    private readonly ConcurrentDictionary<nint, (Tensor Weight, Tensor Rounded)> _known = [];

    /// <summary>A weight in bf16, in the caller's dispose scope or held until the next batch.</summary>
    /// <param name="weight">fp32, in one piece.</param>
    public static Tensor Of(Tensor weight)
    {
        if (s_current is not { } shared || weight.device_type != DeviceType.CPU)
            return weight.to(ScalarType.BFloat16);
        return shared.Find(weight);
    }

    /// <summary>A layer's weight in bf16, through which gradients go where they are asked for.</summary>
    /// <param name="weight">fp32; only a parameter, which stays where it is, is held.</param>
    public static Tensor For(Tensor weight) =>
        weight is Parameter && !is_grad_enabled() ? Of(weight) : weight.to(ScalarType.BFloat16);

    /// <summary>Makes these this thread's until the answer is disposed.</summary>
    public IDisposable Use()
    {
        s_current = this;
        return new InUse();
    }

    /// <summary>Rounds what was asked for before anew.</summary>
    /// <param name="team">Does it together.</param>
    public void Refresh(WorkerTeam team) => team.Run(member =>
    {
        foreach ((Tensor weight, Tensor rounded) in _known.Values)
        {
            long count = weight.numel() / Bf16.Lanes * Bf16.Lanes, all = weight.numel();
            long from = count / Bf16.Lanes * member / team.Size * Bf16.Lanes, to = count / Bf16.Lanes * (member + 1) / team.Size * Bf16.Lanes;
            float* source = weight.Pointer<float>();
            ushort* target = rounded.Pointer<ushort>();
            Bf16.Round(source + from, target + from, to - from);
            for (long i = count; i < all && member == 0; i++)
                target[i] = Bf16.FromSingle(source[i]);
        }
    });

    private Tensor Find(Tensor weight)
    {
        nint place = (nint)weight.Pointer<float>();
        if (_known.TryGetValue(place, out (Tensor Weight, Tensor Rounded) known))
            return known.Rounded;
        lock (_known)
        {
            using var noGradients = no_grad();
            return _known.GetOrAdd(place,
                static (_, w) => (w.alias().DetachFromDisposeScope(), w.to(ScalarType.BFloat16).DetachFromDisposeScope()), weight).Rounded;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((Tensor weight, Tensor rounded) in _known.Values)
        {
            weight.Dispose();
            rounded.Dispose();
        }
    }

    private sealed class InUse : IDisposable
    {
        public void Dispose() => s_current = null;
    }
}
