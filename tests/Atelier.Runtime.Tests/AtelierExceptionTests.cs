namespace Atelier.Runtime.Tests;

public class AtelierExceptionTests
{
    [Fact]
    public void The_line_names_what_where_and_what_to_do()
        => new AtelierException("unknown key 'stepz'", "recipe.yaml:4", "did you mean 'steps'?").ToLine()
            .ShouldBe("recipe.yaml:4: unknown key 'stepz'; did you mean 'steps'?");

    [Fact]
    public void A_field_is_a_plain_name_in_the_library_and_an_option_in_a_front_ends_words()
    {
        var error = new AtelierException("the text cannot continue like this", Mention.Field("maxTokens"),
            $"see {Mention.Command("runs list")}, or leave {Mention.Field("out")} out");
        error.ToLine().ShouldBe("maxTokens: the text cannot continue like this; see 'runs list', or leave 'out' out");
        error.At("a.txt").Hint.ShouldBe(error.Hint);
        error.At("a.txt").InWords(field => $"#/{field}", command => $"POST /{command}").ToLine()
            .ShouldBe("a.txt: the text cannot continue like this; see POST /runs list, or leave #/out out");
        error.InWords(field => $"#/{field}", command => command).Where.ShouldBe("#/maxTokens");
    }

    [Theory]
    [InlineData("an end \uFDD2 alone", "an end  alone")]
    [InlineData("cut off \uFDD0out", "cut off out")]
    [InlineData("\uFDD1\uFDD2", "''")]
    public void Marks_that_a_stranger_writes_do_no_harm(string message, string shown) =>
        new AtelierException(message).ToLine().ShouldBe(shown);
}
