using Atelier.Abstractions;
using Atelier.Recipes;
using CsCheck;

namespace Atelier.Tests.Recipes;

public sealed class RecipeWriterTests
{
    private static readonly string[] Awkward =
        ["null", "true", "1e5", "~", "", "a: b", "-x", "# no", "world:a-b", "春 江", "x\u2028y", "'\"\\", "line\nend ",
            "\u0007\u0085\uFEFF", "😀"];

    private static readonly Gen<Recipe> Recipes =
        from name in Gen.String
        from source in Gen.OneOf(Gen.String, Gen.Int[0, Awkward.Length - 1].Select(i => Awkward[i]))
        from stop in Gen.String.Array[0, 3]
        from rate in Gen.Double[0.0, 1e6]
        from steps in Gen.Long[1, long.MaxValue].Nullable()
        from optimizer in Gen.Enum<OptimizerName>()
        from shape in Gen.Enum<Shape>()
        from dropout in Gen.Double[0.0, 1.0].Nullable()
        from sizes in Gen.Int[1, 9].Array[0, 4]
        select new Recipe
        {
            Name = name,
            Data = new DataSection { Source = source },
            Model = new ModelSection("gpt", new BigConfig { Shape = shape, Dropout = dropout, Sizes = sizes }),
            Training = new TrainingSection { Steps = steps, Epochs = 1,
                Optimizer = new OptimizerSection { Name = optimizer, LearningRate = rate } },
            Generation = new GenerationSection { Decoding = new() { Stop = stop } },
        };

    [Fact]
    public void Whatever_is_written_reads_back_equal() => Recipes.Sample(recipe =>
    {
        Recipe back = RecipeReader.Parse(RecipeWriter.Write(recipe), "written", TestFamily.All);
        back.ShouldBeEquivalentTo(recipe);
    }, iter: 500);

    [Fact]
    public void Every_default_is_written()
    {
        string text = RecipeWriter.Write(RecipeReader.Parse("", "empty", TestFamily.All));
        text.ShouldContain("    learningRate: 0.001\n");
        text.ShouldContain("  family: gpt\n  layerCount: 4\n  dropout: null\n  shape: round\n  sizes: [1, 2]\n");
        text.ShouldContain("  clean: []\n");
        text.ShouldContain("    name: adamw\n");
    }
}
