namespace Atelier.Runtime.Tests;

public class AtelierExceptionTests
{
    [Fact]
    public void The_line_names_what_where_and_what_to_do()
        => new AtelierException("unknown key 'stepz'", "recipe.yaml:4", "did you mean 'steps'?").ToLine()
            .ShouldBe("recipe.yaml:4: unknown key 'stepz'; did you mean 'steps'?");
}
