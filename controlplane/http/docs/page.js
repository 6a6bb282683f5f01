"use strict";
// The search box: a route is shown when all words stand somewhere in it.
{
	const box = document.getElementById("search");
	const sections = [...document.querySelectorAll("section")];
	const articles = [...document.querySelectorAll("article")].map((element) => ({
		element,
		text: element.textContent.toLowerCase(),
	}));

	const show = () => {
		const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
		for (const { element, text } of articles)
			element.hidden = !words.every((word) => text.includes(word));
		for (const section of sections)
			section.hidden = !section.querySelector("article:not([hidden])");
	};
	box.hidden = false;
	box.addEventListener("input", show);
	show();
}
