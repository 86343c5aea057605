using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Generation;
using Atelier.Kernels;
using Atelier.Networks;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Networks;

/// <summary>The folders of encoder-decoders, whole and damaged, opened as generators.</summary>
public sealed class EncoderDecoderFileTests : IDisposable
{
    // 36 characters and the end-of-text token
    private static readonly CharacterTokenizer Letters =
        CharacterTokenizer.Train(["abcdefghijklmnopqrstuvwxyz0123456789"], byteFallback: false);

    private readonly string _folder = Directory.CreateTempSubdirectory("atelier").FullName;

    private string Config => Path.Combine(_folder, "config.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("marian", "normalize_before", "true", "normalize_before")]
    [InlineData("marian", "decoder_ffn_dim", "2", "decoder_ffn_dim")]
    [InlineData("marian", "activation_function", "\"tanh\"", "tanh")]
    [InlineData("marian", "bad_words_ids", "[[3]]", "bad_words_ids")]
    [InlineData("marian", "relative_bias", "true", "relative_bias")]
    [InlineData("marian", "model_type", "\"pegasus\"", "pegasus")]
    [InlineData("marian", "architectures", "[\"MarianForCausalLM\"]", "MarianForCausalLM")]
    [InlineData("marian", "encoder_layers", "9", "encoder.layers.2")]
    [InlineData("marian", "encoder_layers", "2000000000", "number of encoder layers")]
    [InlineData("marian", "d_model", "16777216", "config.json implies")]
    [InlineData("marian", "d_model", "-16", "-16")]
    [InlineData("marian", "encoder_attention_heads", "3", "encoder_attention_heads")]
    [InlineData("marian", "decoder_vocab_size", "38", "cannot share")]
    [InlineData("marian", "tie_word_embeddings", "false", "lm_head.weight is missing")]
    [InlineData("bart", "max_position_embeddings", "21", "config.json implies")]
    [InlineData("t5", "rope_theta", "10000", "rope_theta")]
    [InlineData("t5", "feed_forward_proj", "\"gated-relu6\"", "gated-relu6")]
    [InlineData("t5", "is_gated_act", "true", "is_gated_act")]
    [InlineData("t5", "relative_attention_num_buckets", "12", "config.json implies")]
    [InlineData("t5", "relative_attention_num_buckets", "10", "buckets")]
    [InlineData("t5", "relative_attention_max_distance", "4", "distance")]
    [InlineData("t5", "layer_norm_epsilon", "2", "epsilon")]
    [InlineData("t5", "d_kv", "8", "config.json implies")]
    public void A_configuration_that_is_not_read_is_refused_in_one_line(string name, string key, string value,
        string told)
    {
        new GoldenModel(name).Write(_folder);
        JsonEdits.Set(Config, key, value);
        string message = Should.Throw<AtelierException>(() => EncoderDecoderWeightsFile.Open(_folder)).Message;
        message.ShouldContain(told);
        message.ShouldNotContain('\n');
    }

    [Theory]
    [InlineData("marian", "model.decoder.layers.1.encoder_attn.v_proj.bias", null, "v_proj.bias is missing")]
    [InlineData("marian", null, "model.decoder.layers.2.fc1.weight", "layers.2.fc1.weight does not belong")]
    [InlineData("bart", "model.encoder.embed_positions.weight", null, "embed_positions.weight is missing")]
    [InlineData("t5", "decoder.final_layer_norm.weight", null, "final_layer_norm.weight is missing")]
    [InlineData("t5", null, "encoder.block.0.layer.0.SelfAttention.q.bias", "q.bias does not belong")]
    [InlineData("t5-gated", "lm_head.weight", null, "lm_head.weight is missing")]
    public void Weights_that_are_missing_or_too_many_are_refused_by_name(string name, string? left, string? added,
        string told)
    {
        new GoldenModel(name).Write(_folder, left, added);
        Should.Throw<AtelierException>(() => EncoderDecoderWeightsFile.Open(_folder)).Message.ShouldContain(told);
    }

    [Fact]
    public async Task A_folder_opens_as_a_generator_whose_beams_find_the_best_target()
    {
        new GoldenModel("t5").Write(_folder);
        Letters.Save(Path.Combine(_folder, "tokenizer.json"));
        JsonEdits.Set(Config, "prefix", "\"ab\"");
        using SequenceToSequenceGenerator generator = SequenceToSequenceFile.Open(_folder);
        generator.EncodeSource("c").ShouldBe([.. Letters.Encode("abc"), 1]);
        var decoding = new DecodingOptions { BeamWidth = 37, MaxTokens = 2, LengthPenalty = 0, Temperature = 0 };
        TextSample best = await generator.GenerateAsync(new() { Prompt = "c", Decoding = decoding }).FirstAsync();
        // all targets of one token that ends, or of two tokens
        int[] source = generator.EncodeSource("c");
        int[][] targets = [[0, 1], .. Enumerable.Range(0, 37).Where(a => a != 1)
            .SelectMany(a => Enumerable.Range(0, 37).Select(b => (int[])[0, a, b]))];
        double[] sums = [.. generator.Model.Score([.. targets.Select(target =>
            ((ReadOnlyMemory<int>)source, (ReadOnlyMemory<int>)target))])
            .Select(row => row.Sum(s => s.LogProbability))];
        best.LogProbability!.Value.ShouldBe(sums.Max(), 1e-4);
    }

    [Fact]
    public void Rows_of_a_vocabulary_that_no_token_uses_are_left_out()
    {
        new GoldenModel("t5-gated").Write(_folder);
        CharacterTokenizer some = CharacterTokenizer.Train(["abcdefghijklmnopqrstuvwxyz"], byteFallback: false);
        some.Save(Path.Combine(_folder, "tokenizer.json"));
        using SequenceToSequenceGenerator generator = SequenceToSequenceFile.Open(_folder);
        generator.Model.VocabularySize.ShouldBe(27);
        (EncoderDecoderConfig config, EncoderDecoderWeights weights) = EncoderDecoderWeightsFile.Open(_folder);
        using var whole = new EncoderDecoder(config, weights);
        float[] logits = new float[27], all = new float[37];
        using (IDecodingState cut = generator.Model.CreateState([new[] { 3, 4 }]))
            cut.Append([0, 5], logits);
        using (IDecodingState state = whole.CreateState([new[] { 3, 4 }]))
            state.Append([0, 5], all);
        logits.ShouldBe(all[..27]);
    }

    [Fact]
    public void A_folder_of_another_kind_or_type_is_refused_with_what_to_do()
    {
        new GoldenModel("marian").Write(_folder);
        Letters.Save(Path.Combine(_folder, "tokenizer.json"));
        Should.Throw<AtelierException>(() => SequenceToSequenceFile.Open(_folder, WeightType.Q8_0)).ToLine()
            .ShouldContain("use BF16"); // 16 columns are no block
        Should.Throw<AtelierException>(() => TextModelFile.Open(_folder)).ToLine()
            .ShouldContain("SequenceToSequenceFile");
        using (SequenceToSequenceFile.Open(_folder, WeightType.BF16))
        {
        }
        CharacterTokenizer.Train(["ab"], byteFallback: false).Save(Path.Combine(_folder, "tokenizer.json"));
        Should.Throw<AtelierException>(() => SequenceToSequenceFile.Open(_folder)).Message.ShouldContain("tokenizer");
    }

    [Theory]
    [InlineData("bert-masked-lm")]
    [InlineData("roberta-masked-lm")]
    public void A_masked_language_model_of_Hugging_Face_has_its_logits(string name)
    {
        var golden = new GoldenModel(name);
        golden.Write(_folder);
        (EncoderConfig config, EncoderWeights weights) = EncoderWeightsFile.Open(_folder);
        using var encoder = new Encoder(config, weights, 2);
        int[][] inputs = golden.Input("input_ids"), types = config.TypeCount > 1 ? golden.Input("token_type_ids") : [];
        for (int i = 0; i < inputs.Length; i++)
        {
            float[] logits = new float[inputs[i].Length * config.VocabularySize];
            encoder.MaskedLogits(new(inputs[i], types.Length > 0 ? types[i] : default),
                [.. Enumerable.Range(0, inputs[i].Length)], logits);
            for (int t = 0; t < inputs[i].Length; t++)
            {
                logits.AsSpan(t * config.VocabularySize, config.VocabularySize).ToArray().Zip(golden.Logits(i, t))
                    .ShouldAllBe(pair => Math.Abs(pair.First - pair.Second)
                        <= 2e-4 * Math.Max(1, Math.Abs(pair.Second)));
            }
        }
    }

    [Fact]
    public void Masks_of_many_sequences_are_predicted_as_those_of_each()
    {
        new GoldenModel("bert-masked-lm").Write(_folder);
        (EncoderConfig config, EncoderWeights weights) = EncoderWeightsFile.Open(_folder);
        using var encoder = new Encoder(config, weights, 2);
        MaskedSequence[] sequences = [.. Enumerable.Range(0, 20).Select(i => new MaskedSequence(
            Enumerable.Range(0, 1 + i % 20).Select(t => (t * 5 + i) % 37).ToArray(),
            i == 4 ? Array.Empty<int>() : i % 3 == 2 ? new[] { i % 20, 0 } : new[] { i % 20 }))];
        IReadOnlyList<float[]> all = encoder.Predict(sequences);
        for (int i = 0; i < sequences.Length; i++)
        {
            float[] expected = new float[sequences[i].Positions.Length * 37];
            encoder.MaskedLogits(new(sequences[i].Tokens), sequences[i].Positions.Span, expected);
            all[i].ShouldBe(expected, 1e-4);
        }
        Should.Throw<ArgumentException>(() => encoder.Predict([new(new[] { 1 }, new[] { 1 })]));
    }

    [Fact]
    public void A_folder_of_a_masked_language_model_opens_and_fills_in()
    {
        new GoldenModel("bert-masked-lm").Write(_folder);
        CharacterTokenizer some = CharacterTokenizer.Train(["abcdefghijklmnopqrstuvwxyz"], byteFallback: false);
        some.Save(Path.Combine(_folder, "tokenizer.json"));
        JsonEdits.Set(Config, "mask_token_id", "36"); // beyond the tokenizer's 27 tokens
        using MaskedTextGenerator generator = MaskedTextFile.Open(_folder);
        InfilledSample sample = generator.Infill("ab[MASK]d");
        sample.Text.Length.ShouldBe(4);
        float[] logits = new float[37];
        int[] whole = generator.Tokens.Surround([.. some.Encode("ab"), 36, .. some.Encode("d")]);
        ((Encoder)generator.Model).MaskedLogits(new(whole), [generator.Tokens.LeadingCount + 2], logits);
        int best = Enumerable.Range(1, 26).MaxBy(id => logits[id]);
        sample.Text.ShouldBe($"ab{some.Name(best)}d");
        ITextEmbedder embedder = ((ITrainedModel)generator).Require<ITextEmbedder>();
        embedder.Embed(["abc", ""])[0].ShouldBe(
            ((Encoder)generator.Model).Embed([new(generator.Tokens.Surround(some.Encode("abc")))])[0]);
        JsonEdits.Set(Config, "mask_token_id", "37");
        Should.Throw<AtelierException>(() => MaskedTextFile.Open(_folder)).ToLine().ShouldContain("mask");
    }
}
