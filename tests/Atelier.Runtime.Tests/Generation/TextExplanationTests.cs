using Atelier.Abstractions;
using Atelier.Generation;
using Atelier.Generation.Explaining;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.Runtime.Tests.Networks;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>Explanations of texts against plain code, and against the models on texts that were changed.</summary>
public sealed class TextExplanationTests
{
    private const string Text = "hidden states";
    private const double Tolerance = 1e-4;

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama-grouped")]
    public void Attention_of_a_decoder_is_that_of_plain_loops_and_looks_at_no_later_token(string shape)
    {
        (DecoderConfig config, DecoderWeights weights) = DecoderTests.Model(shape);
        using TextGenerator generator = Causal(new Decoder(config, weights, 2));
        TextExplanation explanation = generator.ExplainText(new(Text) { Methods = [] });
        AttentionMap map = explanation.Attention.ShouldHaveSingleItem();
        int count = Text.Length + 1;
        (map.Kind, map.HeadCount, map.QueryCount, map.KeyCount).ShouldBe((AttentionKind.Text, 4, count, count));
        using var plain = new PlainDecoder(config, weights);
        plain.Append([new(plain.CreateSequence(), explanation.Tokens.Select(token => token.Id).ToArray())],
            new float[config.VocabularySize]);
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            for (int query = 0; query < count; query++)
            {
                for (int head = 0; head < config.HeadCount; head++)
                {
                    float[] row = Row(map, layer, head, query);
                    // a query attends to itself and to what is before it
                    float[] expected = plain.Attention[((layer * count) + query) * config.HeadCount + head];
                    Near(row, [.. expected, .. new float[count - query - 1]]);
                    row.AsSpan(query + 1).ContainsAnyExcept(0).ShouldBeFalse();
                }
            }
        }
    }

    [Theory]
    [InlineData(WeightType.F32)]
    [InlineData(WeightType.Q8_0)]
    public void The_lens_of_the_last_layer_is_the_prediction_of_the_model(WeightType type)
    {
        (DecoderConfig config, DecoderWeights weights) =
            DecoderTests.Model(type == WeightType.F32 ? "gpt2-tanh" : "llama-q8");
        using TextGenerator generator = Causal(new Decoder(config, weights, 2));
        TextExplanation explanation = generator.ExplainText(new(Text) { Alternatives = 3 });
        explanation.Lens.Count.ShouldBe(config.LayerCount + 1);
        int[] ids = [.. explanation.Tokens.Select(token => token.Id)];
        TokenScore[] scores = generator.Model.Score([ids])[0];
        IReadOnlyList<LensPrediction> last = explanation.Lens[^1];
        double tolerance = type == WeightType.F32 ? Tolerance : 0.2; // products of one vector round more coarsely
        for (int i = 0; i < scores.Length; i++)
        {
            last[i].LogProbability!.Value.ShouldBe(scores[i].LogProbability, tolerance);
            explanation.Tokens[i + 1].LogProbability.ShouldBe(scores[i].LogProbability);
        }
        last[^1].LogProbability.ShouldBeNull();
        last[^1].Top.Select(token => token.Id).ShouldBe(explanation.Prediction!.Alternatives.Select(t => t.Id));
        explanation.Lens[0][0].Top.Count.ShouldBe(3);
        // the embeddings predict something else
        Math.Abs(explanation.Lens[0][0].LogProbability!.Value - scores[0].LogProbability).ShouldBeGreaterThan(0.01);
    }

    [Fact]
    public void Occlusion_of_a_decoder_is_the_model_on_the_text_without_the_token()
    {
        (DecoderConfig config, DecoderWeights weights) = DecoderTests.Model("gpt2");
        using TextGenerator generator = Causal(new Decoder(config, weights, 2));
        TextExplanation explanation = generator.ExplainText(new(Text) { Token = 9 });
        ExplainedPrediction prediction = explanation.Prediction!;
        (prediction.Position, prediction.Token.Text).ShouldBe((9, "t"));
        prediction.Token.LogProbability.ShouldBe(explanation.Tokens[9].LogProbability!.Value, Tolerance);
        Occlusion(prediction).Select(one => one.Position).ShouldBe(Enumerable.Range(1, 8)); // not the start
        foreach (TokenEffect one in Occlusion(prediction))
        {
            // the text has a character for each token after the start
            string without = Text[..8].Remove(one.Position - 1, 1);
            using IDecodingState state = generator.Model.CreateState(1);
            float[] logits = new float[config.VocabularySize];
            state.Append([generator.StartId, .. generator.Tokenizer.Encode(without)], logits);
            double expected = logits[prediction.Token.Id] - Math.Log(logits.Sum(logit => Math.Exp(logit)));
            one.Effect.ShouldBe(prediction.Token.LogProbability - expected, Tolerance);
        }
        generator.ExplainText(new(Text)).Prediction!.Position.ShouldBe(Text.Length + 1); // what follows
    }

    [Fact]
    public void Rollout_of_two_layers_is_that_computed_by_hand()
    {
        // two heads: the mean of the first layer is [[1, 0], [.4, .6]], the second's is [[1, 0], [.8, .2]]
        float[] first = [1, 0, 0.3f, 0.7f, 1, 0, 0.5f, 0.5f], second = [1, 0, 0.8f, 0.2f, 1, 0, 0.8f, 0.2f];
        // half of each with the identity: [[1, 0], [.2, .8]] and [[1, 0], [.4, .6]]; the second times the first
        Near(AttentionRollout.Of([first, second], 2, 2, CancellationToken.None),
            [1, 0, 0.4f + 0.6f * 0.2f, 0.6f * 0.8f]);
    }

    [Fact]
    public void Rollout_of_a_model_sums_to_one_and_its_encoder_attention_is_that_of_plain_loops()
    {
        (EncoderConfig config, EncoderWeights weights) =
            EncoderTests.Model(32, 48, ActivationName.Gelu, 0, WeightType.F32);
        using MaskedTextGenerator generator = Masked(new Encoder(config, weights, 2));
        TextExplanation explanation = generator.ExplainText(new("abcdeab"));
        explanation.Prediction.ShouldBeNull();
        AttentionMap map = explanation.Attention.ShouldHaveSingleItem();
        int count = explanation.Tokens.Count;
        var plain = new PlainEncoder(config, weights);
        double[][] states = plain.Encode([.. explanation.Tokens.Select(token => token.Id)]);
        for (int at = 0; at < plain.Attention.Count; at++)
        {
            (int token, int head) = Math.DivRem(at, config.HeadCount);
            Near(Row(map, token / count, head, token % count), [.. plain.Attention[at].Select(w => (float)w)]);
        }
        for (int query = 0; query < count; query++)
            map.Rollout.AsSpan(query * count, count).ToArray().Sum().ShouldBe(1, Tolerance);
        // the lens of the last layer is the model's head
        double[] logits = plain.Logits(states[2]);
        explanation.Lens[^1][2].LogProbability!.Value.ShouldBe(
            logits[explanation.Tokens[2].Id] - Math.Log(logits.Sum(Math.Exp)), 1e-3);
    }

    [Fact]
    public void Occlusion_of_an_encoder_is_the_model_on_the_text_with_another_mask()
    {
        (EncoderConfig config, EncoderWeights weights) =
            EncoderTests.Model(32, 48, ActivationName.Gelu, 0, WeightType.F32);
        using MaskedTextGenerator generator = Masked(new Encoder(config, weights, 2));
        TextExplanation explanation = generator.ExplainText(new("abcde") { Token = 2 });
        ExplainedPrediction prediction = explanation.Prediction!;
        (prediction.Token.Text, explanation.Tokens[2].Text).ShouldBe(("c", "[MASK]"));
        Occlusion(prediction).Select(one => one.Position).ShouldBe([0, 1, 3, 4]);
        prediction.Token.LogProbability.ShouldBe(LogProbability("ab[MASK]de", 2), Tolerance);
        Occlusion(prediction)[1].Effect.ShouldBe(
            prediction.Token.LogProbability - LogProbability("a[MASK][MASK]de", 2), Tolerance);
        // a mask in the text is what is predicted
        generator.ExplainText(new("a[MASK]b")).Prediction!.Position.ShouldBe(1);

        double LogProbability(string text, int at)
        {
            int[] ids = [.. text.Replace("[MASK]", "?").Select(c =>
                c == '?' ? generator.Tokens.MaskId!.Value : generator.Tokenizer.Encode(c.ToString())[0])];
            float[] logits = generator.Model.Predict([new(ids, (int[])[at])])[0];
            return logits[prediction.Token.Id] - Math.Log(logits.Sum(logit => Math.Exp(logit)));
        }
    }

    [Fact]
    public void Attention_to_a_source_sums_to_one_and_its_mean_is_the_alignment_of_the_model()
    {
        (EncoderDecoderConfig config, EncoderDecoderWeights weights) = EncoderDecoderTests.Random(WeightType.F32);
        using SequenceToSequenceGenerator generator = Pairs(new EncoderDecoder(config, weights, 2));
        TextExplanation explanation = generator.ExplainText(new("source") { Target = "text" });
        explanation.Attention.Select(map => map.Kind)
            .ShouldBe([AttentionKind.Text, AttentionKind.Target, AttentionKind.Cross]);
        foreach (AttentionMap map in explanation.Attention)
        {
            map.Weights.Count.ShouldBe(2);
            for (int row = 0; row < 2 * map.HeadCount * map.QueryCount; row++)
                Row(map, row / (map.HeadCount * map.QueryCount), row / map.QueryCount % map.HeadCount,
                    row % map.QueryCount).Sum().ShouldBe(1, Tolerance);
        }
        int[] source = [.. explanation.Tokens.Select(token => token.Id)],
            target = [.. explanation.Target.Select(token => token.Id)];
        AttentionMap cross = explanation.Attention[2];
        using var state = (IAlignedState)generator.Model.CreateState([source]);
        float[] logits = new float[config.VocabularySize];
        for (int t = 0; t < target.Length; t++)
        {
            state.Append([target[t]], logits);
            Near([.. Row(cross, 1, 0, t).Zip(Row(cross, 1, 1, t), (a, b) => (a + b) / 2)], state.Alignments);
            explanation.Lens[^1][t].Top[0].LogProbability.ShouldBe(
                logits.Max() - Math.Log(logits.Sum(logit => Math.Exp(logit))), Tolerance);
        }
        Row(explanation.Attention[1], 0, 0, 1)[2..].ShouldAllBe(weight => weight == 0);
    }

    [Fact]
    public void Occlusion_of_an_encoder_decoder_leaves_out_tokens_of_the_source_and_of_the_target()
    {
        (EncoderDecoderConfig config, EncoderDecoderWeights weights) = EncoderDecoderTests.Random(WeightType.F32);
        using SequenceToSequenceGenerator generator = Pairs(new EncoderDecoder(config, weights, 2));
        ExplainedPrediction prediction =
            generator.ExplainText(new("source") { Target = "text", Token = 3 }).Prediction!;
        Occlusion(prediction).Select(one => (one.IsTarget, one.Position)).ShouldBe(
            [.. Enumerable.Range(0, 6).Select(i => (false, i)), (true, 1), (true, 2)]);
        int[] whole = generator.EncodeSource("source"), less = generator.EncodeSource("surce");
        int[] target = [generator.Tokens.StartId, .. generator.Tokenizer.Encode("tex")];
        IReadOnlyList<TokenScore[]> scores = generator.Model.Score(
            [(whole, target), (less, target), (whole, (int[])[target[0], target[1], target[3]])]);
        Occlusion(prediction)[1].Effect.ShouldBe(
            scores[0][^1].LogProbability - scores[1][^1].LogProbability, Tolerance);
        Occlusion(prediction)[^1].Effect.ShouldBe(
            scores[0][^1].LogProbability - scores[2][^1].LogProbability, Tolerance);
        // without a target, the model writes one
        generator.ExplainText(new("source")).Target.Count.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void A_model_without_layers_still_explains_its_prediction()
    {
        (DecoderConfig config, DecoderWeights weights) = DecoderTests.Model("gpt2");
        using TextGenerator whole = Causal(new Decoder(config, weights, 1));
        using var generator = new TextGenerator(new Opaque(whole.Model), whole.Tokenizer, whole.Defaults, 0);
        TextExplanation explanation = generator.ExplainText(new(Text)), expected = whole.ExplainText(new(Text));
        (explanation.Attention.Count, explanation.Lens.Count).ShouldBe((0, 0));
        explanation.Tokens.ShouldBe(expected.Tokens);
        Occlusion(explanation.Prediction!).ShouldBe(Occlusion(expected.Prediction!));
    }

    [Fact]
    public void What_cannot_be_explained_is_refused_in_one_line()
    {
        (DecoderConfig config, DecoderWeights weights) = DecoderTests.Model("gpt2");
        using TextGenerator generator = Causal(new Decoder(config, weights, 1));
        Refused(new(new string('a', 256))).ShouldBe("the text has 257 tokens, and an explanation at most 256");
        Refused(new("ab") { Token = 4 }).ShouldBe("token 4 is not predicted");
        Refused(new("ab") { Token = 0 }).ShouldBe("token 0 is not predicted");
        Refused(new("ab") { Target = "a" }).ShouldBe("this kind of model has no target");
        Refused(new("ab") { Alternatives = 21 }).ShouldBe("21 alternatives cannot be returned");
        (EncoderConfig shape, EncoderWeights numbers) =
            EncoderTests.Model(32, 48, ActivationName.Gelu, 0, WeightType.F32);
        using MaskedTextGenerator masked = Masked(new Encoder(shape, numbers with { MaskedHead = null }, 1));
        masked.ExplainText(new("ab")).Lens.ShouldBeEmpty();
        Should.Throw<AtelierException>(() => masked.ExplainText(new("ab") { Token = 1 }))
            .Message.ShouldBe("the model has no head that predicts tokens");
        using var stopped = new CancellationTokenSource();
        stopped.Cancel();
        Should.Throw<OperationCanceledException>(() => generator.ExplainText(new("ab"), stopped.Token));

        string Refused(TextExplanationRequest request) =>
            Should.Throw<AtelierException>(() => generator.ExplainText(request)).Message;
    }

    /// <summary>A model of which nothing is known but that it predicts tokens.</summary>
    private sealed class Opaque(ILanguageModel inner) : ILanguageModel
    {
        public int VocabularySize => inner.VocabularySize;

        public int ContextLength => inner.ContextLength;

        public IDecodingState CreateState(int sequences) => inner.CreateState(sequences);

        public IReadOnlyList<TokenScore[]> Score(IReadOnlyList<ReadOnlyMemory<int>> sequences,
            CancellationToken cancellation = default) => inner.Score(sequences, cancellation);

        public void Dispose()
        {
            // the inner model is another's
        }
    }

    private static IReadOnlyList<TokenEffect> Occlusion(ExplainedPrediction prediction) =>
        prediction.Effects(AttributionMethod.Occlusion);

    private static CharacterTokenizer Letters(int count) => CharacterTokenizer.Train(
        ["abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[..(count - 1)]], byteFallback: false);

    private static TextGenerator Causal(Decoder decoder) =>
        new(decoder, Letters(decoder.VocabularySize), new DecodingOptions(), startId: 0);

    private static MaskedTextGenerator Masked(Encoder encoder) =>
        new(encoder, Letters(encoder.VocabularySize - 1), new MaskedTokens(encoder.VocabularySize - 1),
            new DecodingOptions());

    private static SequenceToSequenceGenerator Pairs(ISequenceToSequenceModel model) =>
        new(model, Letters(50), Letters(50), new DecodingOptions(), new SequenceToSequenceTokens(0, [0]));

    private static float[] Row(AttentionMap map, int layer, int head, int query) =>
        map.Weights[layer].AsSpan((head * map.QueryCount + query) * map.KeyCount, map.KeyCount).ToArray();

    private static void Near(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        actual.Length.ShouldBe(expected.Length);
        for (int i = 0; i < actual.Length; i++)
            actual[i].ShouldBe(expected[i], (float)Tolerance);
    }
}
