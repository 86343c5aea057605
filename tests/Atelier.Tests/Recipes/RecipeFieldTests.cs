using Atelier.Models;
using Atelier.Recipes;
using Atelier.Tasks;

namespace Atelier.Tests.Recipes;

/// <summary>The keys of recipes as forms show them, and the errors of a recipe all at once.</summary>
public sealed class RecipeFieldTests
{
    // Text that is no path. A new key of text is either here or marked with NamesPath.
    private static readonly string[] NoPaths =
    [
        "name", "description", "data.kind", "data.column", "data.label", "data.encoding",
        "data.pairs.sourceColumn", "data.pairs.targetColumn", "data.pairs.sourceLanguage",
        "data.pairs.targetLanguage", "data.pairs.prefix", "data.audio.testWhere", "data.table.separator",
        "data.table.decimal", "data.table.sequence", "model.root", "training.fromWeights", "training.device",
        "generation.sampler", "generation.pattern", "generation.schema", "generation.grammar",
        "evaluation.bleuTokenizer",
    ];

    [Fact]
    public void Every_key_of_text_says_whether_it_may_be_a_path()
    {
        var fields = ModelFamilies.All.SelectMany(family => Fields($"model: {{family: {family.Name}}}")).ToList();
        fields.Where(field => field.Type == "text" && field.Path is null).Select(field => field.Key).Distinct()
            .Order().ShouldBe(NoPaths.Order());
        fields.Where(field => field.Path is not null).Select(field => field.Key).Distinct().Order().ShouldBe(
        [
            "data.audio.labels", "data.conversations.template", "data.image.labels", "data.source", "data.test",
            "data.tokenizer.file", "data.validation", "data.video.labels", "evaluation.features", "model.autoencoder",
            "model.codec", "training.from", "training.teacher",
        ]);
    }

    [Fact]
    public void Every_key_of_every_family_is_described()
    {
        foreach (IModelFamily family in ModelFamilies.All)
        {
            Fields($"model: {{family: {family.Name}}}").Where(field => field.Description.Length < 10)
                .Select(field => field.Key).ShouldBeEmpty(family.Name);
        }
    }

    [Fact]
    public void A_field_has_its_value_default_type_range_and_choices()
    {
        IReadOnlyList<RecipeField> fields = Fields("training: {steps: 7, optimizer: {name: sgd}}\ndata: {split: none}");
        RecipeField steps = fields.Single(field => field.Key == "training.steps");
        (steps.Value, steps.Default, steps.Type, steps.Minimum, steps.Maximum, steps.IsSet)
            .ShouldBe(("7", "2000", "integer", 1, null, true));
        RecipeField name = fields.Single(field => field.Key == "training.optimizer.name");
        (name.Value, name.Type, name.IsSet).ShouldBe(("sgd", "choice", true));
        name.Choices!.ShouldContain("adafactor");
        RecipeField share = fields.Single(field => field.Key == "data.split.test");
        (share.Value, share.Default, share.Maximum, share.IsSet).ShouldBe(("0", "0.05", 0.9, true));
        RecipeField rank = fields.Single(field => field.Key == "training.lora.rank");
        (rank.Value, rank.IsSet).ShouldBe((null, false));
        int.Parse(rank.Default!, System.Globalization.CultureInfo.InvariantCulture).ShouldBeGreaterThan(0);
        fields.Single(field => field.Key == "data.table.columns").IsRead.ShouldBeFalse("a text model reads no tables");
    }

    [Fact]
    public void All_errors_are_found_with_their_lines_and_keys()
    {
        RecipeCheck check = RecipeCheck.Of("""
            nam: x
            data:
              split: {train: 0.9, validation: 0.2}
            training:
              steps: many
              batchSize: 0
              optimiser: {}
              schedule:
                warmupSteps: {a: 1}
            """, ModelFamilies.All);
        check.Faults.Select(fault => (fault.Key, fault.Line)).ShouldBe(
            [
                ("nam", 1), ("training.steps", 5), ("training.batchSize", 6), ("training.optimiser", 7),
                ("training.schedule.warmupSteps", 9), ("data.split", 3),
            ], ignoreOrder: true);
        check.Recipe!.Data.Split.Validation.ShouldBe(0.2, "the form still shows what is written");
    }

    [Theory]
    [InlineData("a: [", 2)]
    [InlineData("- a", 1)]
    [InlineData("name: x\nname: y", 2)]
    [InlineData("name: *x", 1)]
    public void What_is_no_recipe_at_all_is_one_error(string text, int line)
    {
        RecipeCheck check = RecipeCheck.Of(text, ModelFamilies.All);
        check.Recipe.ShouldBeNull();
        check.Faults.ShouldHaveSingleItem().Line.ShouldBe(line);
    }

    private static IReadOnlyList<RecipeField> Fields(string text) =>
        RecipeField.Of(RecipeReader.Parse(text, "", ModelFamilies.All), ModelFamilies.All);
}
