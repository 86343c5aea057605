using System.Collections.Concurrent;
using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Runtime.Tests.Formats;
using Atelier.TestSupport;
using Atelier.Tokenizers;
using Microsoft.Extensions.AI;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>One model used by many callers at the same time, against each of them alone.</summary>
public sealed class ConcurrentRequestsTests : IDisposable
{
    private const int Callers = 16;
    // id 0 ends a text
    private static readonly CharacterTokenizer Letters = CharacterTokenizer.Train(["abcdefgh "], byteFallback: false);
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier-concurrent").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Two workers wait for each other at every layer, which takes long where other programs take the cores: a few
    // requests
    // suffice to try them.
    [Theory]
    [InlineData(1, Callers, 3)]
    [InlineData(2, 3, 1)]
    public async Task Requests_at_once_get_the_texts_that_each_gets_alone(int threads, int callers, int rounds)
    {
        using TextGenerator generator = Llama(threads: threads);
        GenerationRequest[] requests = [.. Enumerable.Range(0, callers).Select(Request)];
        string[][] alone = new string[callers][];
        for (int i = 0; i < callers; i++)
            alone[i] = await Texts(generator, requests[i]);
        for (int round = 0; round < rounds; round++)
        {
            string[][] together =
                await Task.WhenAll(requests.Select(request => Task.Run(() => Texts(generator, request))));
            for (int i = 0; i < callers; i++)
                together[i].ShouldBe(alone[i], $"round {round}, request {i}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Sixteen_requests_at_once_of_other_models_get_the_texts_that_each_gets_alone(bool batched)
    {
        ILanguageModel model = batched ? new HistoryModel(10, 4) : MarkovModel.Random(10, 3);
        using var generator = new TextGenerator(model, Letters, new() { MaxTokens = 40 }, 0);
        GenerationRequest[] requests = [.. Enumerable.Range(0, Callers).Select(i => new GenerationRequest
        {
            Seed = i, Count = 1 + (i % 3), Prompt = i % 2 == 0 ? "abc" : null,
            Decoding = generator.Defaults with { Temperature = i % 4 == 0 ? 0 : 1, Lookup = i % 5 == 0 ? 2
                : 0, Pattern = i % 7 == 3 ? "[a-h ]{5,30}" : null, BeamWidth = i == 9 && !batched ? 3 : 1 },
        })];
        string[][] alone = new string[Callers][];
        for (int i = 0; i < Callers; i++)
            alone[i] = await Texts(generator, requests[i]);
        string[][] together = await Task.WhenAll(requests.Select(request => Task.Run(() => Texts(generator, request))));
        for (int i = 0; i < Callers; i++)
            together[i].ShouldBe(alone[i], $"request {i}");
    }

    [Fact]
    public async Task Sixteen_requests_at_once_with_a_draft_get_the_texts_that_each_gets_alone()
    {
        using TextGenerator generator = Llama(), draft = Llama(seed: 2);
        generator.Draft = draft;
        GenerationRequest[] requests = [.. Enumerable.Range(0, Callers).Select(Request)
            .Where(request => request.Decoding is { BeamWidth: 1, Lookup: 0 })];
        var alone = new List<string[]>();
        foreach (GenerationRequest request in requests)
            alone.Add(await Texts(generator, request));
        string[][] together = await Task.WhenAll(requests.Select(request => Task.Run(() => Texts(generator, request)))
            .Append(Task.Run(() => Texts(draft, new() { Seed = 5 })))); // the draft is used by itself meanwhile
        for (int i = 0; i < requests.Length; i++)
            together[i].ShouldBe(alone[i], $"request {i}");
    }

    [Fact]
    public async Task Sixteen_conversations_at_once_get_the_answers_that_each_gets_alone()
    {
        using TextGenerator generator = Llama();
        using IChatClient client = new TextChatClient(generator);
        static ChatOptions Options(int seed) =>
            new() { Seed = seed, MaxOutputTokens = 24, Temperature = seed % 3 == 0 ? 0
            : 0.9f, PresencePenalty = seed % 2 };
        var alone = new List<string>();
        for (int i = 0; i < Callers; i++)
            alone.Add((await client.GetResponseAsync($"say {i}", Options(i))).Text);
        string[] together = await Task.WhenAll(Enumerable.Range(0, Callers).Select(i => Task.Run(async () => i % 2 == 0
            ? (await client.GetResponseAsync($"say {i}", Options(i))).Text
            : string.Concat(await client.GetStreamingResponseAsync($"say {i}", Options(i)).Select(update => update.Text)
                .ToListAsync()))));
        together.ShouldBe(alone);
    }

    [Fact]
    public async Task A_caller_that_stops_reading_holds_up_nobody_and_gives_up_its_place_when_disposed()
    {
        var model = new HistoryModel(10, 6, endless: true);
        using var generator = new TextGenerator(model, Letters, new() { MaxTokens = 400 }, 0);
        IAsyncEnumerator<TextPiece> stopped = generator.StreamAsync(new() { Seed = 9, Count = 2 })
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        (await stopped.MoveNextAsync()).ShouldBeTrue();
        IAsyncEnumerator<TextPiece> abandoned =
            generator.StreamAsync(new() { Seed = 9, Decoding = new() { MaxTokens = int.MaxValue } })
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        (await abandoned.MoveNextAsync()).ShouldBeTrue();
        int readBefore = model.TokensRead;
        (await Texts(generator, new() { Seed = 1 }))[0].Length.ShouldBe(400);
        (model.TokensRead - readBefore)
            .ShouldBeLessThan(400 + 200, "those that are not read go a few steps ahead, and wait");
        model.Open.ShouldBe(3);
        await abandoned.DisposeAsync();
        model.Open.ShouldBe(2);
        int pieces = 1;
        while (await stopped.MoveNextAsync())
            pieces++;
        pieces.ShouldBe(800, "the one that stopped goes on where it was");
        await stopped.DisposeAsync();
        model.Open.ShouldBe(0);
    }

    [Fact]
    public async Task A_request_that_waits_for_its_turn_is_cancelled_at_once_and_the_others_go_on()
    {
        var model = new SlowModel();
        using var generator = new TextGenerator(model, Letters, new() { MaxTokens = 3 }, 0);
        Task<string[]> first = Task.Run(() => Texts(generator, new() { Seed = 1 }));
        // the first one is in its step, and stays there
        await model.Entered.WaitAsync(TestContext.Current.CancellationToken);
        using var cancel = new CancellationTokenSource();
        Task<TextSample> second =
            Task.Run(async () => await generator.GenerateAsync(new() { Seed = 2 }, cancel.Token).FirstAsync());
        cancel.Cancel();
        await Should.ThrowAsync<OperationCanceledException>(() => second);
        first.IsCompleted.ShouldBeFalse();
        model.Leave.Release(100);
        (await first)[0].Length.ShouldBe(3);
        (await Texts(generator, new() { Seed = 2 }))[0].Length.ShouldBe(3);
        model.MostAtOnce.ShouldBe(1);
    }

    [Fact]
    public async Task A_request_that_cannot_go_on_fails_alone()
    {
        var model = new HistoryModel(10, 6, endless: true); // never ends a text, so that a whole match cannot end
        using var generator = new TextGenerator(model, Letters, new() { MaxTokens = 200 }, 0);
        Task<string[]>[] others =
            [.. Enumerable.Range(0, 4).Select(i => Task.Run(() => Texts(generator, new() { Seed = i })))];
        for (int i = 0; i < 5; i++)
        {
            (await Should.ThrowAsync<AtelierException>(() =>
                Texts(generator, new() { Count = 2, Decoding = new() { Pattern = "[a-h]{4}" } })))
                .Message.ShouldContain("probability zero");
        }
        (await Task.WhenAll(others)).ShouldAllBe(texts => texts[0].Length == 200);
        model.Open.ShouldBe(0);
    }

    [Fact]
    public async Task When_the_model_fails_every_caller_learns_of_it_and_later_requests_are_served()
    {
        var model = new FailingModel(new HistoryModel(10, 6, endless: true));
        using var generator = new TextGenerator(model, Letters, new() { MaxTokens = 5000 }, 0);
        Task[] callers = [.. Enumerable.Range(0, 6).Select(i => Task.Run(() => Texts(generator, new() { Seed = i })))];
        SpinWait.SpinUntil(() => model.Steps > 20, TimeSpan.FromSeconds(20));
        model.Fails = true;
        foreach (Task caller in callers)
            await Should.ThrowAsync<IOException>(() => caller);
        model.Fails = false;
        (await Texts(generator, new() { Seed = 1, Decoding = new() { MaxTokens = 10 } }))[0].Length.ShouldBe(10);
    }

    [Fact]
    public async Task A_model_disposed_while_it_is_used_ends_its_requests_with_an_error()
    {
        TextGenerator generator = Llama();
        var begun = new SemaphoreSlim(0);
        Task[] callers = [.. Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
        {
            while (true) // a text may end before the model is disposed
            {
                await foreach (TextPiece piece in generator.StreamAsync(new() { Seed = i,
                    Decoding = new() { MaxTokens = 1_000_000 } }))
                    begun.Release();
            }
        }))];
        await begun.WaitAsync(TestContext.Current.CancellationToken);
        generator.Dispose();
        foreach (Task caller in callers)
            await Should.ThrowAsync<ObjectDisposedException>(() => caller);
    }

    [Fact]
    public async Task Requests_join_and_leave_a_batch_from_other_threads_while_it_steps()
    {
        using TextGenerator generator = Llama();
        using var batch = new BatchedDecoder(generator);
        var ended = new ConcurrentDictionary<int, int>();
        using var stop = new CancellationTokenSource();
        Task[] guests = [.. Enumerable.Range(0, 8).Select(i => Task.Run(() =>
        {
            for (int n = 0; n < 10; n++)
            {
                int number = batch.Add(new() { Seed = n, Decoding = new() { MaxTokens = 1 + n } });
                if (i == 0)
                    batch.Remove(number);
            }
        }))];
        while (!Array.TrueForAll(guests, guest => guest.IsCompleted) || batch.Count > 0)
        {
            foreach (BatchedPiece piece in batch.Step().Where(p => p.Piece.FinishReason is not null))
                ended.AddOrUpdate(piece.Request, 1, (_, times) => times + 1);
        }
        await Task.WhenAll(guests);
        ended.Count.ShouldBeInRange(70, 80);
        ended.Values.ShouldAllBe(times => times == 1);
    }

    private static GenerationRequest Request(int i) => new()
    {
        Seed = i,
        Count = 1 + (i % 3),
        Prompt = (i % 4) switch { 0 => null, 1 => "Once upon a time", 2 => new string('x', 40), _ => $"number {i}" },
        Decoding = new()
        {
            MaxTokens = 20 + i, Temperature = i % 3 == 0 ? 0 : 0.8, TopK = i % 2 == 0 ? 12
                : 0, RepetitionPenalty = i % 5 == 0 ? 1.2 : 1,
            Schema = i == 7 ? """{"type":"array","items":{"type":"boolean"},"maxItems":4}""" : null,
            BeamWidth = i == 11 ? 3 : 1, Lookup = i == 10 ? 2 : 0,
        },
    };

    private TextGenerator Llama(int seed = 1, int threads = 1)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, $"llama-{seed}")).FullName;
        TinyModelFiles.WriteLlama(folder, new(4, 2, 8, 48, 2), seed);
        new ByteTokenizer().Save(Path.Combine(folder, "tokenizer.json"));
        File.WriteAllText(Path.Combine(folder, "generation_config.json"),
            """{"bos_token_id":256,"eos_token_id":256,"max_new_tokens":40}""");
        return TextModelFile.Open(folder, threads: threads);
    }

    private static async Task<string[]> Texts(TextGenerator generator, GenerationRequest request)
    {
        string[] texts = new string[request.Count];
        await foreach (TextPiece piece in generator.StreamAsync(request))
            texts[piece.Sample] += piece.Text;
        return texts;
    }

    /// <summary>A model that stays in each step until it is let go.</summary>
    private sealed class SlowModel : ILanguageModel
    {
        private int _inside;

        public SemaphoreSlim Entered { get; } = new(0);

        public SemaphoreSlim Leave { get; } = new(0);

        public int MostAtOnce { get; private set; }

        public int VocabularySize => Letters.VocabularySize;

        public int ContextLength => int.MaxValue;

        public IDecodingState CreateState(int sequences) => new State(this);

        public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
            CancellationToken cancellation = default) => throw new NotSupportedException();

        public void Dispose()
        {
        }

        private sealed class State(SlowModel model) : IDecodingState
        {
            public int Sequences => 1;

            public int Length { get; private set; }

            public void Append(ReadOnlySpan<int> tokens, Span<float> logits)
            {
                model.MostAtOnce = Math.Max(model.MostAtOnce, Interlocked.Increment(ref model._inside));
                model.Entered.Release();
                model.Leave.Wait();
                Length += tokens.Length;
                logits.Clear();
                logits[0] = float.NegativeInfinity;
                Interlocked.Decrement(ref model._inside);
            }

            public void Select(ReadOnlySpan<int> parents)
            {
            }

            public void Dispose()
            {
            }
        }
    }

    /// <summary>A model whose steps fail on request.</summary>
    private sealed class FailingModel(HistoryModel model) : IBatchedLanguageModel
    {
        public volatile bool Fails;
        private int _steps;

        public int Steps => Volatile.Read(ref _steps);

        public int VocabularySize => model.VocabularySize;

        public int ContextLength => model.ContextLength;

        public IDecodingSequence CreateSequence() => model.CreateSequence();

        public void Append(ReadOnlySpan<SequenceInput> inputs, Span<float> logits)
        {
            Interlocked.Increment(ref _steps);
            if (Fails)
                throw new IOException("the disk is gone");
            model.Append(inputs, logits);
        }

        public IDecodingState CreateState(int sequences) => model.CreateState(sequences);

        public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
            CancellationToken cancellation = default) =>
            model.Score(sequences, cancellation);

        public void Dispose()
        {
        }
    }
}
