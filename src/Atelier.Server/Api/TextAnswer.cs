using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Server.Observing;
using Atelier.Server.Serving;
using Atelier.Tokenizers;

namespace Atelier.Server.Api;

/// <summary>
/// The generation of one request for text: the samples of one or more prompts, numbered through, and the counts of
/// tokens.
/// </summary>
/// <param name="generator">The model.</param>
/// <param name="requests">What is generated for each prompt.</param>
/// <param name="promptTokens">The number of tokens of all prompts together.</param>
internal sealed class TextAnswer(ITextGenerator generator, IReadOnlyList<GenerationRequest> requests,
    int promptTokens)
{
    /// <summary>The number of samples of each prompt.</summary>
    public int CountOfEach => requests[0].Count;

    /// <summary>The number of all samples.</summary>
    public int Count => requests.Sum(request => request.Count);

    /// <summary>The number of tokens that have been generated.</summary>
    public int Generated { get; private set; }

    /// <summary>The counts of tokens.</summary>
    public JsonObject Usage => new()
    {
        ["prompt_tokens"] = promptTokens, ["completion_tokens"] = Generated,
        ["total_tokens"] = promptTokens + Generated,
    };

    /// <summary>Generates the pieces of all samples, when there are slots for them.</summary>
    /// <param name="lease">The model's queue and name.</param>
    /// <param name="cancellation">Cancels waiting and generating.</param>
    public async IAsyncEnumerable<(int Sample, TextPiece Piece)> StreamAsync(ModelLease lease,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var measured = ServerMetrics.Begin(lease.Served.Name, promptTokens);
        using IDisposable slots = await lease.Served.Queue.EnterAsync(Count, cancellation).ConfigureAwait(false);
        measured.Started();
        IAsyncEnumerable<(int, TextPiece)> pieces =
            requests.Count == 1 ? NumberedAsync(0, cancellation) : TogetherAsync(cancellation);
        await foreach ((int sample, TextPiece piece) in pieces.ConfigureAwait(false))
        {
            if (piece.Token is not null)
            {
                Generated++;
                measured.Token();
            }
            yield return (sample, piece);
        }
    }

    /// <summary>The name of the reason why a sample ended, as OpenAI calls it; null while it goes on.</summary>
    public static string? Reason(TextPiece piece) =>
        piece.FinishReason is null ? null : piece.FinishReason == "length" ? "length" : "stop";

    /// <summary>The tokenizer of a model's answers.</summary>
    public static Tokenizer TokenizerOf(ITextGenerator generator) => generator switch
    {
        TextGenerator text => text.Tokenizer,
        SequenceToSequenceGenerator target => target.Tokenizer,
        _ => throw ApiException.Invalid("logprobs", "this model has no tokens; leave 'logprobs' out"),
    };

    private async IAsyncEnumerable<(int, TextPiece)> NumberedAsync(int prompt,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (TextPiece piece in generator.StreamAsync(requests[prompt], cancellation).ConfigureAwait(false))
            yield return ((prompt * CountOfEach) + piece.Sample, piece);
    }

    /// <summary>The samples of all prompts at the same time.</summary>
    private async IAsyncEnumerable<(int, TextPiece)> TogetherAsync(
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var channel = Channel.CreateBounded<(int, TextPiece)>(requests.Count * CountOfEach);
        Task all = Task.WhenAll(Enumerable.Range(0, requests.Count).Select(async prompt =>
        {
            await foreach ((int, TextPiece) piece in NumberedAsync(prompt, stopping.Token).ConfigureAwait(false))
                await channel.Writer.WriteAsync(piece, stopping.Token).ConfigureAwait(false);
        }));
        _ = all.ContinueWith(done => channel.Writer.Complete(done.Exception?.InnerException),
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            await foreach ((int, TextPiece) piece in channel.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
                yield return piece;
        }
        finally
        {
            await stopping.CancelAsync().ConfigureAwait(false);
            await all.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default).ConfigureAwait(false);
        }
    }
}
