using Atelier.Decoding;
using Atelier.Models.Gpt;
using Atelier.Runs;
using Atelier.Tests.Data;
using Atelier.TestSupport;
using Atelier.Tokenizers;

namespace Atelier.Tests.Models;

public sealed class GptImportTests
{
    [Fact]
    public void Given_llama2cs_model_of_260_thousand_weights_then_its_greedy_story_is_the_published_one_letter_by_letter()
    {
        string path = DataFolder.File("weights", "stories260K", "stories260K.bin");
        string expected = File.ReadAllText(DataFolder.File("weights", "stories260K", "expected-greedy-200.txt"));
        SentencePieceTokenizer tokenizer = SentencePieceTokenizer.FromLlama2C(DataFolder.File("weights", "stories260K", "tok512.bin"));
        using GptModel model = GptImport.FromLlama2C(path);
        using IDecodingState state = model.CreateState(1);
        float[] logits = new float[model.VocabularySize];
        int[] ids = new int[200];
        int next = tokenizer.BeginId!.Value;
        for (int i = 0; i < ids.Length; i++)
        {
            state.Append([next], logits);
            ids[i] = next = logits.AsSpan().IndexOf(logits.Max());
        }
        tokenizer.Decode(ids).ShouldBe(expected);

        // The same story read whole: each token is the likeliest after those before it.
        TokenScore[] scores = model.Score([new ReadOnlyMemory<int>([tokenizer.BeginId.Value, .. ids])])[0];
        scores.ShouldAllBe(s => s.IsMostLikely);
    }

    [Fact]
    public void Given_an_imported_bundle_when_imported_again_as_hugging_faces_then_it_says_the_same()
    {
        string model = DataFolder.File("weights", "stories260K", "stories260K.bin"), tokens = DataFolder.File("weights", "stories260K", "tok512.bin");
        using var folder = new TemporaryFolder();
        GptImport.Llama2C(model, tokens, folder["first"]);
        GptImport.HuggingFace(folder["first"], folder["second"]);
        using GptModel original = GptImport.FromLlama2C(model);
        using var generator = (TextGenerator)new GptFamily().Load(Bundle.Open(folder["second"]), "cpu");
        generator.StartId.ShouldBe(1);
        int[] story = [1, .. generator.Tokenizer.Encode("Once upon a time there was a little girl")];
        generator.Model.Score([story])[0].ShouldBe(original.Score([story])[0]);
    }

    [Fact]
    public void The_error_of_a_tokenizer_that_came_with_another_model_names_both_sizes()
    {
        string tokens = DataFolder.File("weights", "stories260K", "tok512.bin"), model = DataFolder.File("weights", "stories260K", "stories260K.bin");
        using var folder = new TemporaryFolder();
        byte[] bytes = File.ReadAllBytes(tokens);
        string shorter = folder.Write("shorter.bin", bytes[..^LastToken(bytes)]);
        Should.Throw<AtelierException>(() => GptImport.Llama2C(model, shorter, folder["out"])).Message
            .ShouldBe("the model knows 512 tokens, but the tokenizer has 511");
    }

    /// <summary>The bytes of the last token: a score, a length, and so many bytes.</summary>
    private static int LastToken(byte[] file)
    {
        int at = 4, size = 0;
        for (; at < file.Length; at += size)
            size = 8 + BitConverter.ToInt32(file, at + 4);
        return size;
    }
}
