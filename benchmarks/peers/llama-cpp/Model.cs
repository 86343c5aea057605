using LLama;
using LLama.Common;
using LLama.Native;

namespace Atelier.Benchmarks.Peers;

/// <summary>An open model with one sequence.</summary>
internal sealed class Model : IDisposable
{
    private readonly LLamaWeights _weights;
    private readonly LLamaContext _context;
    private readonly LLamaBatch _batch = new();
    private int _position;

    /// <summary>Opens a model.</summary>
    /// <param name="path">The GGUF file.</param>
    /// <param name="threads">Number of threads.</param>
    /// <param name="isExact">Whether keys and values are cached in single precision.</param>
    public Model(string path, int threads, bool isExact = false)
    {
        var parameters = new ModelParams(path) { ContextSize = 512, Threads = threads, BatchThreads = threads };
        if (isExact)
            (parameters.TypeK, parameters.TypeV, parameters.FlashAttention) =
                (GGMLType.GGML_TYPE_F32, GGMLType.GGML_TYPE_F32, false);
        _weights = LLamaWeights.LoadFromFile(parameters);
        _context = _weights.CreateContext(parameters);
    }

    /// <summary>Appends a token and returns the logits after it.</summary>
    public Span<float> Append(int token)
    {
        _batch.Clear();
        int at = _batch.Add((LLamaToken)token, _position++, LLamaSeqId.Zero, logits: true);
        if (_context.Decode(_batch) != DecodeResult.Ok)
            throw new InvalidOperationException("llama.cpp could not decode");
        return _context.NativeHandle.GetLogitsIth(at);
    }

    public void Dispose()
    {
        _context.Dispose();
        _weights.Dispose();
    }
}
