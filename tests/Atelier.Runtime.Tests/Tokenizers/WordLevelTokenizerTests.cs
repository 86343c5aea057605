using Atelier.Tokenizers;

namespace Atelier.Runtime.Tests.Tokenizers;

public sealed class WordLevelTokenizerTests
{
    private static readonly string[] Texts =
        ["the cat  saw the <unk> dog\n", "the dog\tsaw a\u00a0cat", "rare words , the cat"];

    [Fact]
    public void The_most_frequent_words_are_tokens_and_equally_frequent_ones_in_ordinal_order()
    {
        Tokenizer tokenizer = WordLevelTokenizer.Train(Texts, 7);
        Enumerable.Range(0, tokenizer.VocabularySize).Select(tokenizer.Name)
            .ShouldBe(["<|endoftext|>", "<unk>", "the", "cat", "dog", "saw", ","]);
        tokenizer.EndOfTextId.ShouldBe(0);
        tokenizer.Kind.ShouldBe("word-level");
    }

    [Fact]
    public void Other_words_and_the_mark_of_a_corpus_are_the_unknown_token_and_words_are_decoded_with_spaces()
    {
        Tokenizer tokenizer = WordLevelTokenizer.Train(Texts, 7);
        int[] ids = tokenizer.Encode(" the  rare\n<unk>\u3000cat , Cat");
        ids.ShouldBe([2, 1, 1, 3, 6, 1]);
        tokenizer.Decode(ids).ShouldBe("the <unk> <unk> cat , <unk>");
        string path = Path.GetTempFileName();
        tokenizer.Save(path);
        TokenizerFile.Load(path).Encode("a dog saw").ShouldBe(tokenizer.Encode("a dog saw"));
        File.Delete(path);
    }

    [Fact]
    public void Text_without_words_and_vocabularies_without_room_are_refused()
    {
        Should.Throw<AtelierException>(() => WordLevelTokenizer.Train([" \n "], 300)).Message.ShouldContain("no words");
        Should.Throw<ArgumentOutOfRangeException>(() => WordLevelTokenizer.Train(Texts, 2));
    }
}
