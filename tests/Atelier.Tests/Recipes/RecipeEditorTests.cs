using Atelier.Models;
using Atelier.Recipes;

namespace Atelier.Tests.Recipes;

/// <summary>Single keys of a recipe's text change, and its comments stay.</summary>
public sealed class RecipeEditorTests
{
    private const string Text = """
        # a recipe
        name: first   # its name
        data:
          source: world:stories-en  # a world

          clean: [html, whitespace]
        # the model
        model: {family: gpt, layerCount: 2}
        training:
          steps: 100 # few
          optimizer:
            learningRate: 0.1
        """;

    [Theory]
    [InlineData("training.steps", "500", "  steps: 500 # few\n")]
    [InlineData("name", "\"two: words\"", "name: \"two: words\"   # its name\n")]
    [InlineData("data.source", "names", "  source: names  # a world\n")]
    [InlineData("data.clean", "[]", "  clean: []\n")]
    [InlineData("data.split.train", "0.5", "  clean: [html, whitespace]\n  split:\n    train: 0.5\n# the model\n")]
    [InlineData("model.layerCount", "3", "model: {family: gpt, layerCount: 3}\n")]
    [InlineData("model.headCount", "2", "model: {family: gpt, layerCount: 2, headCount: 2}\n")]
    [InlineData("model.family", "ngram", "model: {family: ngram}\n")]
    [InlineData("training.lora.rank", "4", "    learningRate: 0.1\n  lora:\n    rank: 4\n")]
    [InlineData("seed", "7", "    learningRate: 0.1\nseed: 7\n")]
    [InlineData("training.optimizer.learningRate", null, "  steps: 100 # few\n")]
    [InlineData("model.layerCount", null, "model: {family: gpt}\n")]
    [InlineData("model.family", null, "# the model\ntraining:\n")]
    [InlineData("data.source", null, "data:\n\n  clean: [html, whitespace]\n")]
    [InlineData("training.epochs", null, "  steps: 100 # few\n")]
    public void One_key_changes_and_comments_stay(string key, string? value, string expected)
    {
        string edited = RecipeEditor.Set(Text, key, value);
        (edited + "\n").ShouldContain(expected);
        edited.ShouldContain("# a recipe\n");
        edited.ShouldContain(key == "model.family" && value is null ? "# the model" : "# few");
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing yet\n")]
    [InlineData("training:\n")]
    [InlineData("training:\n\nname: x\n")]
    [InlineData("training: {}\n")]
    [InlineData("training: {epochs: 2,\n  minutes: 3}")]
    [InlineData("{training: {steps: 3}}")]
    [InlineData("training:\n  steps: >\n    12\nname: x\n")]
    [InlineData("training:\n  steps:\n    5\nname: x\n")]
    [InlineData("training:\n  steps:\n  - 5\n  - 6\nname: x\n")]
    [InlineData("training:\n  epochs: 1\n\n\n\n# end\n")]
    [InlineData("\"training\":\r\n  \"steps\": 3\r\n")]
    [InlineData("name: 𝒳 é\ntraining: {steps: 1} # 𝒳\n")]
    public void However_a_recipe_is_written_the_key_can_be_set_and_removed(string text)
    {
        string set = RecipeEditor.Set(text, "training.steps", "77");
        Parse(set).Training.Steps.ShouldBe(77, set);
        string other = RecipeEditor.Set(set, "training.optimizer.learningRate", "0.5");
        Parse(other).Training.Optimizer.LearningRate.ShouldBe(0.5, other);
        string removed = RecipeEditor.Set(other, "training.steps", null);
        Parse(removed).Training.Steps.ShouldBe(new TrainingSection().Steps, removed);
        Parse(removed).Name.ShouldBe(Parse(set).Name);
    }

    [Fact]
    public void Every_field_of_every_built_in_recipe_can_be_set_to_its_value_and_removed()
    {
        foreach (BuiltInRecipe recipe in BuiltInRecipes.All)
        {
            Recipe read = Parse(recipe.Text);
            string bare = recipe.Text, full = recipe.Text;
            foreach (RecipeField field in RecipeField.Of(read, ModelFamilies.All).Where(field => field.IsSet))
            {
                full = RecipeEditor.Set(full, field.Key, Yaml(field));
                if (field.Key != "model.family")
                    bare = RecipeEditor.Set(bare, field.Key, null);
            }
            RecipeWriter.Write(Parse(full)).ShouldBe(RecipeWriter.Write(read), recipe.Name);
            full.ReplaceLineEndings("\n").Split('\n').Count(line => line.Contains('#', StringComparison.Ordinal))
                .ShouldBe(recipe.Text.Split('\n').Count(line => line.Contains('#', StringComparison.Ordinal)),
                    recipe.Name);
            RecipeField.Of(Parse(bare), ModelFamilies.All).Where(field => field.IsSet).Select(field => field.Key)
                .ShouldBe(bare.Contains("family", StringComparison.Ordinal) ? ["model.family"] : [], recipe.Name);
        }
    }

    private static string Yaml(RecipeField field) => field.Value is null ? "null"
        : field.Type == "text" ? RecipeEditor.Quote(field.Value) : field.Value;

    private static Recipe Parse(string text) => RecipeReader.Parse(text, "", ModelFamilies.All);
}
