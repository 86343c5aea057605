using Atelier.Abstractions;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tasks.Text;

/// <summary>
/// Differentiates predictions of text models with respect to their tokens. In place of ids, a model reads weights of
/// all tokens of the vocabulary, and its embedding layer sums their vectors. The derivative with respect to the weight
/// of a token is then the product of its vector and the gradient with respect to the embedding.
/// </summary>
/// <param name="module">The model.</param>
/// <param name="gate">Locked while the model runs.</param>
/// <param name="device">The device of the model.</param>
/// <param name="textVocabulary">The number of tokens that the text can have.</param>
/// <param name="vocabulary">The number of tokens that the target can have.</param>
/// <param name="logits">Computes the logits at a position, [rows, vocabulary], from the weights of the text, and of the
/// target if there is one, each [rows, tokens, vocabulary].</param>
internal sealed class TokenMixtures(nn.Module module, Lock gate, Device device, int textVocabulary, int vocabulary,
    Func<Tensor, Tensor?, Tensor> logits)
{
    private const long WeightsAtOnce = 1 << 24; // 64 MiB

    /// <inheritdoc cref="IEmbeddingGradients.Differentiate"/>
    public IReadOnlyList<EmbeddingGradient> Differentiate(DifferentiatedPrediction prediction,
        IReadOnlyList<double> points, CancellationToken cancellation)
    {
        long size = ((long)prediction.Text.Count * textVocabulary) + ((long)prediction.Target.Count * vocabulary);
        var gradients = new List<EmbeddingGradient>();
        foreach (double[] some in points.Chunk((int)Math.Clamp(WeightsAtOnce / size, 1, points.Count)))
        {
            cancellation.ThrowIfCancellationRequested();
            lock (gate) // other threads may use the model between two parts
                gradients.AddRange(DifferentiateTogether(prediction, some));
        }
        return gradients;
    }

    private EmbeddingGradient[] DifferentiateTogether(DifferentiatedPrediction prediction, double[] points)
    {
        using var evaluation = new EvaluationMode(module);
        using var gradients = enable_grad();
        using var scope = NewDisposeScope();
        bool hasTarget = prediction.Target.Count > 0;
        Tensor text = Mix(prediction, isTarget: false, points, textVocabulary);
        Tensor? target = hasTarget ? Mix(prediction, isTarget: true, points, vocabulary) : null;
        Tensor log = nn.functional.log_softmax(logits(text, target).to(ScalarType.Float32), -1)
            .select(1, prediction.Token); // [rows]
        IList<Tensor> slopes = autograd.grad([log.sum()], hasTarget ? [text, target!] : [text]);
        // the derivatives along the baseline, which weights all tokens alike, are the means over the vocabulary
        float[][] along = [.. slopes.Select((slope, i) => slope.gather(2,
            Ids(i == 0 ? prediction.Text : prediction.Target, points.Length).to(device)).Floats().ToArray())];
        float[][] means = [.. slopes.Select(slope => slope.mean([2]).Floats().ToArray())];
        float[] logs = log.Floats().ToArray();
        return [.. points.Select((_, row) => new EmbeddingGradient(logs[row], Read(along, row), Read(means, row)))];

        double[] Read(float[][] values, int row) => [.. prediction.Moving.Select(place => (double)(place.IsTarget
            ? values[1][(row * prediction.Target.Count) + place.Position]
            : values[0][(row * prediction.Text.Count) + place.Position]))];
    }

    /// <summary>The weights of all tokens at each point, [rows, tokens, vocabulary].</summary>
    private Tensor Mix(DifferentiatedPrediction prediction, bool isTarget, double[] points, int vocabulary)
    {
        IReadOnlyList<int> ids = isTarget ? prediction.Target : prediction.Text;
        bool[] moves = new bool[ids.Count];
        foreach (TokenPlace place in prediction.Moving)
        {
            if (place.IsTarget == isTarget)
                moves[place.Position] = true;
        }
        float[] weights = new float[points.Length * ids.Count * vocabulary];
        for (int row = 0; row < points.Length; row++)
        {
            for (int i = 0; i < ids.Count; i++)
            {
                Span<float> own = weights.AsSpan(((row * ids.Count) + i) * vocabulary, vocabulary);
                double point = moves[i] ? points[row] : 1;
                own.Fill((float)((1 - point) / vocabulary));
                own[ids[i]] += (float)point;
            }
        }
        return tensor(weights, [points.Length, ids.Count, vocabulary], device: device, requires_grad: true);
    }

    private static Tensor Ids(IReadOnlyList<int> ids, int rows) =>
        tensor((long[])[.. ids.Select(id => (long)id)], 1, ids.Count, 1).expand(rows, ids.Count, 1);
}
