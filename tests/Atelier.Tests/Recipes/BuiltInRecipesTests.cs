using Atelier.Models;
using Atelier.Recipes;

namespace Atelier.Tests.Recipes;

public sealed class BuiltInRecipesTests
{
    public static TheoryData<string> Names => [.. BuiltInRecipes.All.Select(r => r.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_built_in_recipe_reads_names_itself_and_describes_itself_in_a_line(string name)
    {
        Recipe recipe = RecipeReader.Read(name, ModelFamilies.All);
        recipe.Name.ShouldBe(name);
        BuiltInRecipes.Find(name)!.Description.Length.ShouldBeInRange(20, 100);
    }

    [Fact]
    public void The_recipes_of_reference_cards_are_there() => ((string[])
        [
            "names", "names-rnn", "poetry-zh", "quickstart", "rnn-words", "shakespeare-char-medium",
                "shakespeare-char-small", "shakespeare-ngram",
            "alarm-network", "alarm-structure", "asia-network", "asia-structure", "learning-test-network",
                "shakespeare-hmm-8", "shakespeare-hmm-32", "shakespeare-hmm-128",
            "mnist-diffusion", "mnist-gan", "mnist-vae", "mnist-vae-binary", "mnist-vqvae", "shapes-diffusion",
        ]).ShouldBeSubsetOf(BuiltInRecipes.All.Select(r => r.Name));
}
