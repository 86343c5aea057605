using System.Buffers;
using Atelier.Tensors;
using Atelier.Tensors.Profiling;
using Atelier.Tensors.Ranks;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Training.Distributed;

/// <summary>
/// Sums gradients over ranks, in fp32 and in buckets: small tensors are gathered in one, and large ones are cut, so
/// that each message is long enough for the network and short enough for the processor's cache.
/// </summary>
/// <param name="ranks">The ranks.</param>
internal sealed unsafe class GradientExchange(ICommunicator ranks)
{
    /// <summary>The size of a bucket in numbers: 4 MiB, which MPI sums fastest on one machine.</summary>
    public const int BucketSize = 1 << 20;

    private const int LeastDirect = BucketSize / 8; // shorter tensors are gathered; a copy takes less than a message

    /// <summary>The number of ranks.</summary>
    public int Size => ranks.Size;

    /// <summary>Replaces gradients by their sums over the ranks.</summary>
    /// <param name="gradients">Tensors of any device, with the same shapes on each rank.</param>
    public void Sum(IEnumerable<Tensor> gradients)
    {
        using TimedOperation timed = TimedOperation.Begin("exchange gradients");
        using var scope = NewDisposeScope();
        float[] bucket = ArrayPool<float>.Shared.Rent(BucketSize);
        var held = new List<Tensor>(); // whose numbers the bucket holds
        int filled = 0;
        foreach (Tensor gradient in gradients)
        {
            bool isPlain = gradient.device_type == DeviceType.CPU && gradient.dtype == ScalarType.Float32
                && gradient.is_contiguous();
            if (isPlain && gradient.numel() < LeastDirect)
            {
                if (filled + gradient.numel() > BucketSize)
                    Exchange();
                gradient.Floats().CopyTo(bucket.AsSpan(filled));
                filled += (int)gradient.numel();
                held.Add(gradient);
                continue;
            }
            Tensor plain = isPlain ? gradient : gradient.to(ScalarType.Float32).cpu().contiguous();
            SumInPlace(plain);
            if (!isPlain)
                gradient.copy_(plain);
        }
        Exchange();
        ArrayPool<float>.Shared.Return(bucket);

        void Exchange()
        {
            ranks.Sum(bucket.AsSpan(0, filled));
            int at = 0;
            foreach (Tensor gradient in held)
            {
                int count = (int)gradient.numel();
                bucket.AsSpan(at, count).CopyTo(new Span<float>(gradient.Pointer<float>(), count));
                at += count;
            }
            held.Clear();
            filled = 0;
        }
    }

    private void SumInPlace(Tensor tensor)
    {
        float* start = tensor.Pointer<float>();
        long count = tensor.numel();
        for (long at = 0; at < count; at += BucketSize)
            ranks.Sum(new Span<float>(start + at, (int)Math.Min(BucketSize, count - at)));
    }
}
