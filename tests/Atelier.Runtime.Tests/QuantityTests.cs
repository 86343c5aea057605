namespace Atelier.Runtime.Tests;

public sealed class QuantityTests
{
    [Theory]
    [InlineData(0, "step", "0 steps")]
    [InlineData(1, "step", "1 step")]
    [InlineData(12_000, "picture", "12,000 pictures")]
    [InlineData(1, "class", "1 class")]
    [InlineData(2, "class", "2 classes")]
    [InlineData(2, "batch", "2 batches")]
    [InlineData(3, "copy", "3 copies")]
    [InlineData(3, "key", "3 keys")]
    [InlineData(2, "box", "2 boxes")]
    public void A_noun_goes_with_its_number(long count, string noun, string expected) =>
        Quantity.Of(count, noun).ShouldBe(expected);

    [Fact]
    public void An_irregular_plural_is_given() =>
        (Quantity.Of(1, "series", "series"), Quantity.Of(2, "series", "series")).ShouldBe(("1 series", "2 series"));
}
