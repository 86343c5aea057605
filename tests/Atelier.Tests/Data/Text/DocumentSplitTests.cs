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
            var split = new DocumentSplit(contents, new SplitSection { Train = 0.6, Validation = 0.2, Test = 0.2 },
                seed);
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

    /// <summary>
    /// Sizes as they are found: all alike, of a long tail, or one giant among notes; some documents appear twice.
    /// </summary>
    private static readonly Gen<(ulong[] Contents, long[] Sizes)> Corpora =
        from count in Gen.Int[1, 80]
        from spread in Gen.Int[0, 6]
        from draws in Gen.Double[0, 1].Array[count]
        from contents in Gen.ULong[0, (ulong)(2 * count)].Array[count]
        select (contents,
            contents.Select(c => 1 + (long)(20 * Math.Exp(spread * draws[(int)(c % (ulong)count)]))).ToArray());

    [Fact]
    public void Training_never_gets_less_than_its_share_of_the_size_and_every_other_part_at_least_half_of_its_own()
    {
        (double, double, double)[] asked = [(0.9, 0.05, 0.05), (0.9, 0.1, 0), (0.6, 0.2, 0.2), (0.5, 0.2, 0.1)];
        Gen.Select(Corpora, Gen.Int[0, 3], Gen.Long).Sample((corpus, choice, seed) =>
        {
            (double, double, double) shares = asked[choice];
            (ulong[] contents, long[] sizes) = corpus;
            var section = new SplitSection { Train = shares.Item1, Validation = shares.Item2, Test = shares.Item3 };
            var split = new DocumentSplit(contents, sizes, section, seed);
            double whole = sizes.Sum();
            int copies = contents.GroupBy(c => c).Max(g => g.Count());
            double Got(Part part) => split.Stretches(part).Sum(s => s.To - s.From);
            Got(Atelier.Data.Text.Part.Train)
                .ShouldBeGreaterThanOrEqualTo(((section.Train - DocumentSplit.Tolerance) * whole) - copies);
            Got(Atelier.Data.Text.Part.Validation)
                .ShouldBeGreaterThanOrEqualTo((section.Validation / 2 * whole) - copies);
            Got(Atelier.Data.Text.Part.Test).ShouldBeGreaterThanOrEqualTo((section.Test / 2 * whole) - copies);
        }, iter: 500);
    }

    [Fact]
    public void Every_character_goes_to_one_part_and_copies_of_a_document_are_cut_at_the_same_place()
    {
        Gen.Select(Corpora, Gen.Long).Sample((corpus, seed) =>
        {
            (ulong[] contents, long[] sizes) = corpus;
            var split = new DocumentSplit(contents, sizes,
                new SplitSection { Train = 0.7, Validation = 0.1, Test = 0.1 }, seed);
            var stretches = Enum.GetValues<Part>()
                .SelectMany(part => split.Stretches(part).Select(s => (Part: part, Stretch: s))).ToArray();
            foreach (var document in stretches.GroupBy(s => s.Stretch.Document))
            {
                long at = 0;
                foreach ((_, DocumentStretch stretch) in document.OrderBy(s => s.Stretch.From))
                {
                    stretch.From.ShouldBe(at);
                    at = stretch.To;
                }
                at.ShouldBe(sizes[document.Key]);
            }
            stretches.Select(s => s.Stretch.Document).Distinct().Count().ShouldBe(sizes.Length);
            foreach (var copies in stretches.GroupBy(s => (contents[s.Stretch.Document], s.Stretch.From)))
                copies.Select(s => (s.Part, s.Stretch.To)).Distinct().Count().ShouldBe(1);
        }, iter: 300);
    }

    [Theory]
    [InlineData(new long[] { 600_000, 50, 60 }, "ByPosition")]
    [InlineData(new long[] { 100, 100, 100 }, "ByPosition")]
    [InlineData(new long[] { 5000 }, "ByPosition")]
    public void A_novel_with_two_notes_is_cut_by_position_and_the_reason_is_said(long[] sizes, string method)
    {
        var split = new DocumentSplit([.. sizes.Select((_, i) => (ulong)i)], sizes, new(), 1);
        split.Method.ToString().ShouldBe(method);
        split.Stretches(Atelier.Data.Text.Part.Train).Sum(s => s.To - s.From)
            .ShouldBeInRange((long)(0.9 * sizes.Sum()) - 1, (long)(0.9 * sizes.Sum()) + 1);
        split.Describe("documents", "characters")!.ShouldContain("split by position");
        split.Describe("documents", "characters")!.ShouldContain("90.0% train, 5.0% validation, 5.0% test");
    }

    [Fact]
    public void Documents_alike_in_size_are_shared_out_as_their_number_says_and_unlike_ones_by_size()
    {
        ulong[] contents = [.. Enumerable.Range(0, 1000).Select(i => (ulong)i)];
        var alike = new DocumentSplit(contents, [.. contents.Select(i => 100 + (long)(i % 7))], new(), 3);
        alike.Method.ShouldBe(SplitMethod.ByCount);
        Part(alike, Atelier.Data.Text.Part.Test).ShouldBe(Part(new(contents, new(), 3), Atelier.Data.Text.Part.Test));
        long[] sizes = [.. contents.Select(i => i == 5 ? 400_000L : 100)]; // four fifths in one
        var unlike = new DocumentSplit(contents, sizes, new() { Train = 0.8, Validation = 0.1, Test = 0.1 }, 3);
        unlike.Method.ShouldBe(SplitMethod.BySize);
        Part(unlike, Atelier.Data.Text.Part.Train).ShouldContain(5);
        unlike.Describe("documents", "characters")!.ShouldContain("by their characters");
        new DocumentSplit(contents, sizes, SplitSection.None, 3).Describe("documents", "characters").ShouldBeNull();
    }
}
