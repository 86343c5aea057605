using Atelier.Data.Text;
using Atelier.Recipes;
using CsCheck;

namespace Atelier.Tests.Data.Text;

public sealed class DocumentSplitTests
{
    private static int[] Part(DocumentSplit split, Part part) => [.. split.Documents(part)];

    [Fact]
    public void Documents_of_the_same_content_never_land_in_different_parts_and_none_is_lost()
    {
        Gen.Select(Gen.ULong[0, 60].Array[1, 200], Gen.Long).Sample((contents, seed) =>
        {
            var split = new DocumentSplit(contents, new SplitSection { Train = 0.6, Validation = 0.2, Test = 0.2 }, seed);
            int[][] parts = [.. Enum.GetValues<Part>().Select(part => Part(split, part))];
            parts.SelectMany(p => p).Order().ShouldBe(Enumerable.Range(0, contents.Length));
            foreach (int[] part in parts)
                parts.Where(other => other != part).SelectMany(other => other).Select(d => contents[d])
                    .Intersect(part.Select(d => contents[d])).ShouldBeEmpty();
            parts[0].ShouldNotBeEmpty();
        }, iter: 300);
    }

    [Theory]
    [InlineData(1000, 0.9, 0.05, 0.05, 900, 50, 50)]
    [InlineData(10, 0.9, 0.05, 0.05, 8, 1, 1)]
    [InlineData(100, 0.5, 0.2, 0.1, 50, 20, 10)]
    [InlineData(100, 1.0, 0.0, 0.0, 100, 0, 0)]
    [InlineData(3, 0.9, 0.1, 0.0, 2, 1, 0)]
    public void The_shares_are_honoured(int count, double train, double validation, double test, int a, int b, int c)
    {
        ulong[] contents = [.. Enumerable.Range(0, count).Select(i => (ulong)i * 7919)];
        var split = new DocumentSplit(contents, new() { Train = train, Validation = validation, Test = test }, 1);
        Part(split, Atelier.Data.Text.Part.Train).Length.ShouldBe(a);
        Part(split, Atelier.Data.Text.Part.Validation).Length.ShouldBe(b);
        Part(split, Atelier.Data.Text.Part.Test).Length.ShouldBe(c);
        Part(split, Atelier.Data.Text.Part.None).Length.ShouldBe(count - a - b - c);
    }

    [Fact]
    public void Unshuffled_the_parts_follow_one_another_and_shuffled_the_seed_decides()
    {
        ulong[] contents = [.. Enumerable.Range(0, 100).Select(i => (ulong)i)];
        var plain = new DocumentSplit(contents, new() { Shuffle = false }, 1);
        Part(plain, Atelier.Data.Text.Part.Train).ShouldBe(Enumerable.Range(0, 90));
        Part(plain, Atelier.Data.Text.Part.Test).ShouldBe(Enumerable.Range(95, 5));
        int[] one = Part(new(contents, new(), 1), Atelier.Data.Text.Part.Test);
        Part(new(contents, new(), 1), Atelier.Data.Text.Part.Test).ShouldBe(one);
        Part(new(contents, new(), 2), Atelier.Data.Text.Part.Test).ShouldNotBe(one);
    }

    [Fact]
    public void A_text_that_is_most_of_the_data_goes_to_training()
    {
        ulong[] contents = [.. Enumerable.Range(0, 100).Select(i => (ulong)Math.Max(0, i - 60))];
        for (long seed = 0; seed < 20; seed++)
        {
            var split = new DocumentSplit(contents, new(), seed);
            Part(split, Atelier.Data.Text.Part.Train).ShouldContain(0);
            Part(split, Atelier.Data.Text.Part.Validation).Length.ShouldBe(5);
        }
    }
}
