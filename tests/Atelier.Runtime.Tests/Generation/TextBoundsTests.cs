using Atelier.Abstractions;
using Atelier.Exchange;
using Atelier.Generation;
using Atelier.Runtime.Tests.Formats;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Generation;

/// <summary>With which tokens a text begins and ends: as the model's files say, not by a token's name.</summary>
public sealed class TextBoundsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("atelier").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("""{"eos_token_id": [65, 66]}""", """{"eos_token_id": 67}""", new int[] { 65, 66 })]
    [InlineData("""{"eos_token_id": 65}""", "{}", new int[] { 65 })]
    [InlineData("{}", """{"eos_token_id": [67, 68]}""", new int[] { 67, 68 })]
    [InlineData(null, """{"eos_token_id": 67}""", new int[] { 67 })]
    [InlineData("""{"eos_token_id": null}""", "{}",
        new int[] { 256 })] // where no file says, the token between the tokenizer's documents
    [InlineData("""{"eos_token_id": []}""", """{"eos_token_id": 67}""", new int[] { 67 })]
    public void The_ends_are_those_of_generation_config_then_of_config(string? generation, string config, int[] ends)
    {
        Write(config, generation);
        using TextGenerator generator = TextModelFile.Open(_folder);
        generator.Bounds.EndIds.ShouldBe(ends);
    }

    [Theory]
    [InlineData("""{"eos_token_id": 257}""", "{}", "eos_token_id 257 is not among the 257 tokens")]
    [InlineData("""{"eos_token_id": [65, -1]}""", "{}", "eos_token_id -1")]
    [InlineData("""{"eos_token_id": "end"}""", "{}", "eos_token_id must be a whole number or a list of them")]
    [InlineData("""{"eos_token_id": [[1]]}""", "{}", "eos_token_id must be")]
    [InlineData(null, """{"eos_token_id": 999}""", "eos_token_id 999")]
    [InlineData("""{"bos_token_id": 999}""", "{}", "bos_token_id 999")]
    public void An_end_that_the_vocabulary_lacks_is_refused(string? generation, string config, string named)
    {
        Write(config, generation);
        Should.Throw<AtelierException>(() => TextModelFile.Open(_folder)).ToLine().ShouldContain(named);
    }

    [Fact]
    public void Each_end_of_a_list_ends_a_text_and_the_token_named_as_an_end_does_not()
    {
        // All four tokens are alike likely: '!' and '?' are the ends, and the end of text is a token as any other.
        double[] row = [0.25, 0.25, 0.25, 0.25];
        // 0 the end of text, 1 '!', 2 '?', 3 'b'
        var tokenizer = CharacterTokenizer.Train(["b!?"], byteFallback: false);
        using var generator = new TextGenerator(new MarkovModel([row, row, row, row]), tokenizer,
            new() { MaxTokens = 100 }, new TextBounds(0, [1, 2]));
        TextSample[] samples = [.. generator.GenerateAsync(new() { Count = 60 }).ToBlockingEnumerable()];
        samples.ShouldAllBe(s =>
            s.FinishReason == "end" && IsEnd(Last(s)) && !s.Text.Contains('!') && !s.Text.Contains('?'));
        samples.Select(Last).Distinct().Count().ShouldBe(2);
        samples.Any(s => s.Tokens.Any(t => t.Id == 0)).ShouldBeTrue();

        TextSample[] held =
            [.. generator.GenerateAsync(new() { Count = 40, Decoding = new() { MaxTokens = 100, Pattern = "b{2}" } })
            .ToBlockingEnumerable()];
        held.ShouldAllBe(s => s.Text == "bb" && s.FinishReason == "end");
        held.Select(Last).Distinct().Count().ShouldBe(2);

        TextSample[] beams =
            [.. generator.GenerateAsync(new() { Count = 4, Decoding = new() { MaxTokens = 20, BeamWidth = 4 } })
            .ToBlockingEnumerable()];
        beams.Count(s => s.FinishReason == "end").ShouldBeGreaterThan(1);
        beams.Where(s => s.FinishReason == "end").ShouldAllBe(s => IsEnd(Last(s)));
    }

    [Fact]
    public void The_small_input_names_two_ends()
    {
        string generation = TestCases.Path("generation/eos-token-id-list.json");
        TinyModelFiles.WriteLlama(_folder, new(1, 1, 4, 4, 1, Vocabulary: 259));
        File.Copy(TestCases.Path("generation/eos-token-id-list.tokenizer.json"),
            Path.Combine(_folder, "tokenizer.json"));
        File.Copy(generation, Path.Combine(_folder, "generation_config.json"));
        using TextGenerator generator = TextModelFile.Open(_folder);
        (generator.StartId, generator.Bounds.EndIds[0], generator.Bounds.EndIds[1]).ShouldBe((256, 257, 258));
    }

    [Theory]
    [InlineData(null, null, true)]
    [InlineData("false", null, false)]
    [InlineData("true", null, true)]
    [InlineData(null,
        "[{\"SpecialToken\":{\"id\":\"<|endoftext|>\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}]",
        true)]
    [InlineData(null, "[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}]", false)]
    public void The_start_token_stands_before_a_prompt_unless_the_files_say_otherwise(string? setting, string? template,
        bool starts)
    {
        Write("{}", null);
        if (setting is not null)
            JsonEdits.Set(Path.Combine(_folder, "tokenizer_config.json"), "add_bos_token", setting);
        if (template is not null)
            JsonEdits.Set(Path.Combine(_folder, "tokenizer.json"), "post_processor",
                $$$"""{"type":"TemplateProcessing","single":{{{template}}},"pair":[],"special_tokens":{}}""");
        using TextGenerator generator = TextModelFile.Open(_folder);
        generator.Bounds.StartsPrompts.ShouldBe(starts);
        generator.Bounds.Begin(generator.Tokenizer.Encode("a")).ShouldBe(starts ? [256, 'a'] : ['a']);
        generator.Bounds.Begin([]).ShouldBe([256]);
    }

    [Theory]
    [InlineData("tokenizer_config.json", "add_eos_token", "true", "'add_eos_token' is true")]
    [InlineData("tokenizer_config.json", "add_prefix_space", "true", "add_prefix_space is true")]
    [InlineData("tokenizer_config.json", "sp_model_kwargs", """{"enable_sampling":true}""", "sp_model_kwargs")]
    [InlineData("tokenizer_config.json", "added_tokens_decoder", """{"255":{"content":"<x>"}}""", "255 '<x>'")]
    [InlineData("generation_config.json", "encoder_no_repeat_ngram_size", "3", "'encoder_no_repeat_ngram_size' is 3")]
    [InlineData("generation_config.json", "bad_words_ids", "[[1]]", "'bad_words_ids'")]
    [InlineData("generation_config.json", "forced_eos_token_id", "2", "'forced_eos_token_id'")]
    [InlineData("generation_config.json", "min_length", "5", "'min_length' is 5")]
    [InlineData("generation_config.json", "suppress_tokens", "[5]", "'suppress_tokens'")]
    [InlineData("generation_config.json", "early_stopping", "3", "'early_stopping' is 3")]
    public void Settings_that_are_not_read_are_refused_by_name(string file, string key, string value, string named)
    {
        Write("{}", null);
        JsonEdits.Set(Path.Combine(_folder, file), key, value);
        AtelierException error = Should.Throw<AtelierException>(() => TextModelFile.Open(_folder));
        error.Message.ShouldContain(named);
        error.Where.ShouldBe(Path.Combine(_folder, file));
    }

    [Fact]
    public void A_template_that_begins_with_another_token_than_the_settings_say_is_refused()
    {
        Write("""{"bos_token_id": 65}""", null);
        JsonEdits.Set(Path.Combine(_folder, "tokenizer.json"), "post_processor",
            """
            {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|endoftext|>","type_id":0}},
             {"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{}}
            """);
        Should.Throw<AtelierException>(() =>
            TextModelFile.Open(_folder)).Message.ShouldContain("'<|endoftext|>' before a text, but bos_token_id is 65");
        JsonEdits.Set(Path.Combine(_folder, "config.json"), "bos_token_id", "256");
        JsonEdits.Set(Path.Combine(_folder, "tokenizer_config.json"), "add_bos_token", "false");
        Should.Throw<AtelierException>(() =>
            TextModelFile.Open(_folder)).Message.ShouldContain("add_bos_token is false");
    }

    private static int Last(TextSample sample) => sample.Tokens[^1].Id;

    private static bool IsEnd(int id) => id is 1 or 2;

    private void Write(string config, string? generation)
    {
        TinyModelFiles.WriteLlama(_folder, new(1, 1, 4, 4, 1));
        new ByteTokenizer().Save(Path.Combine(_folder, "tokenizer.json"));
        foreach (var property in System.Text.Json.JsonDocument.Parse(config).RootElement.EnumerateObject())
            JsonEdits.Set(Path.Combine(_folder, "config.json"), property.Name, property.Value.GetRawText());
        if (generation is not null)
            File.WriteAllText(Path.Combine(_folder, "generation_config.json"), generation);
    }
}
