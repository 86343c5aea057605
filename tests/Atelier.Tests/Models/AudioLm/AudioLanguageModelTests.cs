using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Layers;
using Atelier.Models.AudioLm;
using Atelier.Tasks.Audio;
using Atelier.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Tests.Models.AudioLm;

public sealed class AudioLanguageModelTests : IDisposable
{
    private const int Books = 3, Size = 5, Frames = 6;

    private static readonly AudioSchema Schema = new(1000, 1, 60, ["a", "b"]);
    private static readonly DecodingOptions Greedy = new() { Temperature = 0 };
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly AudioLanguageModel _model = Model(conditional: true);

    public void Dispose()
    {
        _model.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void States_with_a_cache_are_those_without_one()
    {
        using var gradients = no_grad();
        Tensor steps = _model.Inputs(Codes(batch: 2, seed: 1)), labels = tensor((long[])[0, 1]);
        Tensor whole = _model.Encode(steps, labels, caches: null);
        IReadOnlyList<KeyValueCache> caches = _model.CreateCaches();
        Tensor first = _model.Encode(steps.narrow(2, 0, 3), labels, caches);
        Near(first, whole.narrow(1, 0, 3));
        for (int step = 3; step < steps.shape[2]; step++)
            Near(_model.Encode(steps.narrow(2, step, 1), labels, caches), whole.narrow(1, step, 1));
        for (int book = 0; book < Books; book++)
            Near(_model.Logits(first, book), _model.Logits(whole, book).narrow(1, 0, 3));
        foreach (KeyValueCache cache in caches)
            cache.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(5)]
    public void The_sampler_chooses_what_a_loop_over_whole_sequences_chooses_and_keeps_what_is_given(int given)
    {
        using var gradients = no_grad();
        long[] beginning = Codes(1, seed: 4).data<long>().ToArray();
        int[][] start = [.. Enumerable.Range(0, Books).Select(book =>
            beginning.Skip(book * Frames).Take(given).Select(code => (int)code).ToArray())];
        int[][] found = _model.Sample(new(Frames, [1], Greedy) { Labels = [1], Given = given == 0 ? null : start })[0];

        var plain = new long[Books * Frames];
        for (int book = 0; book < Books; book++)
        {
            for (int frame = 0; frame < given; frame++)
                plain[(book * Frames) + frame] = start[book][frame];
        }
        for (int step = given; step < Frames + Books - 1; step++)
        {
            Tensor hidden = _model.Encode(_model.Inputs(tensor(plain, 1, Books, Frames)), tensor((long[])[1]), null);
            for (int book = 0; book < Books; book++)
            {
                int frame = step - book;
                if (frame >= given && frame < Frames)
                    plain[(book * Frames) + frame] = _model.Logits(hidden.select(1, step), book).argmax(1).item<long>();
            }
        }
        found.SelectMany(book => book).Select(code => (long)code).ShouldBe(plain);
        found.Select(book => book[..given]).ShouldBe(start.Select(book => book[..given]));
    }

    [Fact]
    public void A_sound_longer_than_the_context_continues_what_the_model_sees_last()
    {
        using var gradients = no_grad();
        int[][] longer = _model.Sample(new(4 * Frames, [1], Greedy) { Labels = [0] })[0];
        longer.ShouldAllBe(book => book.Length == 4 * Frames && book.All(code => code >= 0 && code < Size));
        // at the step after the first full context, the last half of it is the beginning of a clip
        var seen = new long[Books * Frames];
        for (int book = 0; book < Books; book++)
        {
            for (int frame = 0; frame < Frames / 2; frame++)
                seen[(book * Frames) + frame] = longer[book][(Frames / 2) + frame];
        }
        Tensor hidden = _model.Encode(_model.Inputs(tensor(seen, 1, Books, Frames)), tensor((long[])[0]), null);
        longer[0][Frames].ShouldBe((int)_model.Logits(hidden.select(1, Frames / 2), 0).argmax(1).item<long>());
    }

    [Fact]
    public void Guidance_of_one_changes_nothing_and_of_zero_ignores_the_class()
    {
        using var gradients = no_grad();
        int[][] Sample(int label, double guidance) =>
            _model.Sample(new(Frames, [7], new()) { Labels = [label], Guidance = guidance })[0];
        Sample(0, 1).ShouldBe(_model.Sample(new(Frames, [7], new()) { Labels = [0] })[0]);
        Sample(0, 0).ShouldBe(Sample(1, 0));
        Sample(0, 0).ShouldBe(_model.Sample(new(Frames, [7], new()))[0], "any class");
    }

    [Fact]
    public void The_loss_of_training_is_the_mean_of_what_each_code_costs()
    {
        using var model = Model(conditional: false);
        using var gradients = no_grad();
        var batch = new CodeBatch(Codes(3, seed: 2), zeros(3, ScalarType.Int64));
        double loss = model.Objectives.Single().Loss(batch).Number();
        Tensor each = model.NegativeLogLikelihood(batch);
        each.shape.ShouldBe([3, Books, Frames]);
        each.mean().Number().ShouldBe(loss, 1e-5);
    }

    [Fact]
    public void A_language_of_codes_is_learned_better_than_the_frequencies_of_its_codes()
    {
        // codebook 0 counts up, and in one step of eight starts anywhere; codebook 1 is a function of codebook 0, and
        // codebook 2 of codebook 1
        using var model = Model(conditional: false);
        model.train();
        using var optimizer = optim.Adam(model.parameters(), lr: 3e-3);
        for (int step = 0; step < 250; step++)
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            model.Objectives.Single().Loss(Language(16, seed: step)).backward();
            optimizer.step();
        }
        model.eval();
        using var gradients = no_grad();
        double[] costs = model.NegativeLogLikelihood(Language(64, seed: 1000)).mean([0L, 2L]).data<float>()
            .Select(cost => (double)cost).ToArray();
        double unigram = Math.Log(Size);
        costs[0].ShouldBeLessThan(0.8 * unigram);
        costs[1].ShouldBeLessThan(0.2 * unigram, "it is a function of the coarser code");
        costs[2].ShouldBeLessThan(0.2 * unigram);

        // what it generates is of the language: the functions hold, and codes count up as often
        int[][][] sounds = model.Sample(new(Frames, [.. Enumerable.Range(0, 64).Select(i => (ulong)i)], new()));
        double Share(Func<int[][], int, bool> holds, int first) => sounds.Average(sound =>
            Enumerable.Range(first, Frames - first).Average(frame => holds(sound, frame) ? 1.0 : 0.0));
        Share((sound, frame) => sound[1][frame] == 2 * sound[0][frame] % Size, 0).ShouldBeGreaterThan(0.9);
        Share((sound, frame) => sound[2][frame] == ((2 * sound[0][frame]) + 1) % Size, 0).ShouldBeGreaterThan(0.9);
        Share((sound, frame) => sound[0][frame] == (sound[0][frame - 1] + 1) % Size, 1).ShouldBe(0.9, 0.08);
    }

    [Theory]
    [InlineData(5000, "4096")]
    [InlineData(4095, "4096")]
    public void Clips_of_too_many_steps_are_refused(int frames, string why) =>
        Should.Throw<AtelierException>(() => new AudioLanguageModel(new(), Schema, new(3, 5, frames), Precision.Fp32,
            1)).ToLine().ShouldContain(why);

    [Fact]
    public void Classes_need_sounds_with_classes() => Should.Throw<AtelierException>(() => new AudioLanguageModel(
        new() { Conditional = true }, Schema with { Classes = [] }, new(3, 5, 6), Precision.Fp32, 1)).ToLine()
        .ShouldContain("model.conditional");

    private static CodeBatch Language(int batch, int seed)
    {
        var random = new SplitMix64((ulong)seed);
        var codes = new long[batch * Books * Frames];
        for (int sound = 0; sound < batch; sound++)
        {
            long code = random.Next(Size);
            for (int frame = 0; frame < Frames; frame++)
            {
                code = random.Next(8) == 0 ? random.Next(Size) : (code + 1) % Size;
                int at = (sound * Books * Frames) + frame;
                (codes[at], codes[at + Frames], codes[at + (2 * Frames)]) =
                    (code, 2 * code % Size, ((2 * code) + 1) % Size);
            }
        }
        return new(tensor(codes, batch, Books, Frames), zeros(batch, ScalarType.Int64));
    }

    private static AudioLanguageModel Model(bool conditional)
    {
        var config = new AudioLmConfig
        {
            LayerCount = 2, HeadCount = 2, HiddenSize = 32, Dropout = 0, Conditional = conditional,
        };
        var model = new AudioLanguageModel(config, Schema, new(Books, Size, Frames), Precision.Fp32, seed: 3);
        model.eval();
        return model;
    }

    private static Tensor Codes(int batch, long seed)
    {
        var random = new SplitMix64((ulong)seed);
        return tensor(Enumerable.Range(0, batch * Books * Frames).Select(_ => (long)random.Next(Size)).ToArray(),
            batch, Books, Frames);
    }

    private static void Near(Tensor one, Tensor other) =>
        one.sub(other).abs().max().Number().ShouldBeLessThan(1e-5);
}
