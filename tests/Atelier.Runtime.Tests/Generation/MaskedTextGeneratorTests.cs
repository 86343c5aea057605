using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Tokenizers;

namespace Atelier.Tests.Generation;

public sealed class MaskedTextGeneratorTests
{
    private const int Mask = 3; // after the end-of-text token, a and b

    // P(first, second) of the texts aa, ab, ba and bb
    private static readonly double[,] Joint = { { 0.45, 0.05 }, { 0.2, 0.3 } };

    [Theory]
    [InlineData("gibbs")]
    [InlineData("confidence")]
    public async Task Given_a_model_of_two_tokens_then_texts_are_drawn_from_its_joint_distribution(string sampler)
    {
        const int count = 8000;
        using MaskedTextGenerator generator = Generator(Conditional);
        var counts = new Dictionary<string, int>();
        await foreach (Sample sample in generator.GenerateAsync(new GenerationRequest
        {
            Count = count, Seed = 5, Decoding = new() { MaxTokens = 2 }, Drawing = new() { Sampler = sampler,
                Steps = sampler == "gibbs" ? 3 : null },
        }))
            counts[sample.Shown] = counts.GetValueOrDefault(sample.Shown) + 1;
        foreach ((string text, double p) in (IEnumerable<(string, double)>)
            [("aa", 0.45), ("ab", 0.05), ("ba", 0.2), ("bb", 0.3)])
            (counts.GetValueOrDefault(text) / (double)count).ShouldBe(p, 4 * Math.Sqrt(p * (1 - p) / count), text);
    }

    [Fact]
    public void Masks_are_filled_in_by_order_of_confidence_with_alternatives()
    {
        using MaskedTextGenerator generator = Generator(Conditional);
        InfilledSample filled = generator.Infill("[MASK][MASK]", alternatives: 2);
        // the second token is b with 0.35, the first is b with 0.5: a is more certain for the second, with 0.65
        filled.Text.ShouldBe("aa");
        filled.Masks.Select(mask => mask.Order).ShouldBe([1, 0]);
        filled.Masks[1].Probability.ShouldBe(0.65, 1e-6);
        filled.Masks[1].Alternatives.Select(one => one.Text).ShouldBe(["a", "b"]);
        filled.Masks[1].Alternatives[1].Probability.ShouldBe(0.35, 1e-6);
        filled.Masks[0].Probability.ShouldBe(0.45 / 0.65, 1e-6);
        filled.LogProbability!.Value.ShouldBe(Math.Log(0.45), 1e-6);
        generator.Infill("b[MASK]").Text.ShouldBe("bb");
    }

    [Fact]
    public async Task Samples_of_a_text_to_fill_in_are_its_most_probable_tokens_in_order()
    {
        using MaskedTextGenerator generator = Generator(Conditional);
        (await Texts(generator, new() { Prompt = "[MASK]b", Count = 2 })).ShouldBe(["bb", "ab"]);
    }

    [Fact]
    public void The_pseudo_log_likelihood_is_the_sum_over_tokens_given_all_others()
    {
        using MaskedTextGenerator generator = Generator(Conditional);
        generator.PseudoLogLikelihood("ba").ShouldBe(Math.Log(0.2 / 0.65) + Math.Log(0.2 / 0.5), 1e-6);
        Should.Throw<AtelierException>(() => generator.PseudoLogLikelihood("")).Message.ShouldBe("the text is empty");
    }

    [Fact]
    public async Task Mask_predict_predicts_fewer_and_fewer_tokens_those_of_least_probability()
    {
        var asked = new List<int[]>();
        using MaskedTextGenerator generator = Generator((tokens, position) =>
        {
            double a = 0.95 - (0.05 * position); // later tokens are less certain
            return [0, a, 1 - a, 0];
        }, 8, asked);
        IReadOnlyList<string> texts = await Texts(generator, new()
        {
            Decoding = new() { MaxTokens = 8, Temperature = 0 },
            Drawing = new() { Sampler = "mask-predict", Steps = 4 },
        });
        texts.ShouldBe(["aaaaaaaa"]);
        asked.Select(positions => string.Join(' ', positions)).ShouldBe(
            ["0 1 2 3 4 5 6 7", "2 3 4 5 6 7", "4 5 6 7", "6 7"]);
    }

    [Fact]
    public async Task A_prompt_without_masks_is_continued_and_a_sample_does_not_depend_on_the_number_of_samples()
    {
        using MaskedTextGenerator generator = Generator((_, _) => [0, 0.5, 0.5, 0], context: 12);
        var request = new GenerationRequest { Prompt = "ab", Count = 3, Decoding = new() { MaxTokens = 6 } };
        IReadOnlyList<string> texts = await Texts(generator, request);
        texts.ShouldAllBe(text => text.StartsWith("ab", StringComparison.Ordinal) && text.Length == 8);
        texts.Distinct().Count().ShouldBeGreaterThan(1);
        (await Texts(generator, request with { Count = 2 })).ShouldBe(texts.Take(2));
        (await Texts(generator, request with { Only = 1 })).ShouldBe([texts[1]]);
        (await Texts(generator, request with { Decoding = new() { MaxTokens = 100 } }))[0].Length.ShouldBe(12);
    }

    [Fact]
    public void Special_tokens_surround_a_text_and_are_not_part_of_it()
    {
        var seen = new List<int[]>();
        using var generator = new MaskedTextGenerator(new Toy((tokens, _) =>
        {
            seen.Add(tokens);
            return [0.9, 0.07, 0.03, 0];
        }, 6, []), Tokenizer(), new MaskedTokens(Mask) { BeginId = 0, EndId = 0 }, new());
        generator.LongestText.ShouldBe(4);
        generator.Infill("a[MASK]").Text.ShouldBe("aa"); // and not the special token, which is more probable
        seen[0].ShouldBe([0, 1, Mask, 0]);
        Should.Throw<AtelierException>(() => generator.Infill("aaaa[MASK]")).Message
            .ShouldBe("the text has 5 tokens, but the model reads 4");
    }

    [Fact]
    public async Task What_cannot_be_done_is_refused_in_one_line()
    {
        using MaskedTextGenerator generator = Generator(Conditional);
        Should.Throw<AtelierException>(() => generator.Infill("ab")).Hint.ShouldBe("write [MASK] in it");
        (await Refused(new() { Decoding = new() { BeamWidth = 3 } })).Where.ShouldBe("beamWidth");
        (await Refused(new() { Drawing = new() { Sampler = "heun" } })).Message
            .ShouldBe("there is no sampler 'heun' for text");
        (await Refused(new() { Drawing = new() { Steps = 0 } })).Where.ShouldBe("steps");
        (await Refused(new() { Prompt = "[MASK]", Drawing = new() { Steps = 3 } })).Where.ShouldBe("steps");
        (await Refused(new() { Drawing = new() { Guidance = 2 } })).Hint.ShouldBe("leave out the options of images");

        using var maskless = new MaskedTextGenerator(new Toy(Conditional, 4, []), Tokenizer(), new MaskedTokens(null),
            new());
        Should.Throw<AtelierException>(() => maskless.Infill("a[MASK]")).ToLine()
            .ShouldContain("the tokenizer has no mask token");
        Should.Throw<AtelierException>(() => new MaskedTokens(7).Check(4, "config.json")).Message
            .ShouldBe("the mask token 7 is not among the 4 tokens");

        async Task<AtelierException> Refused(GenerationRequest request) =>
            await Should.ThrowAsync<AtelierException>(() => Texts(generator, request));
    }

    private static async Task<IReadOnlyList<string>> Texts(MaskedTextGenerator generator, GenerationRequest request)
    {
        var texts = new List<string>();
        await foreach (Sample sample in generator.GenerateAsync(request))
            texts.Add(sample.Shown);
        return texts;
    }

    /// <summary>P(token at a position | the other token), or without the other the marginal distribution.</summary>
    private static double[] Conditional(int[] tokens, int position)
    {
        int other = tokens[1 - position] - 1;
        double[] p = new double[2];
        for (int token = 0; token < 2; token++)
        {
            for (int second = 0; second < 2; second++)
            {
                if (tokens[1 - position] == Mask || second == other)
                    p[token] += position == 0 ? Joint[token, second] : Joint[second, token];
            }
        }
        return [0, p[0] / p.Sum(), p[1] / p.Sum(), 0];
    }

    private static CharacterTokenizer Tokenizer() => CharacterTokenizer.Train(["ab"], byteFallback: false);

    private static MaskedTextGenerator Generator(Func<int[], int, double[]> model, int context = 4,
        List<int[]>? asked = null) =>
        new(new Toy(model, context, asked ?? []), Tokenizer(), new MaskedTokens(Mask), new());

    /// <summary>A model whose distributions are given.</summary>
    private sealed class Toy(Func<int[], int, double[]> distribution, int context, List<int[]> asked)
        : IMaskedLanguageModel
    {
        public int VocabularySize => 4;

        public int ContextLength => context;

        public IReadOnlyList<float[]> Predict(IReadOnlyList<MaskedSequence> sequences,
            CancellationToken cancellation = default)
        {
            asked.AddRange(sequences.Select(sequence => sequence.Positions.ToArray()));
            return [.. sequences.Select(sequence => sequence.Positions.ToArray()
                .SelectMany(position => distribution(sequence.Tokens.ToArray(), position))
                .Select(p => (float)Math.Log(p)).ToArray())];
        }

        public void Dispose()
        {
        }
    }
}
