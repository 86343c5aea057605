using Atelier.Decoding;
using Atelier.Models.Gpt;
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
}
